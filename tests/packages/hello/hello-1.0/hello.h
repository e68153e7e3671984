/* The text that says hello. */
const char *hello_text(void);
