#include "hello.h"

const char *hello_text(void)
{
    return "Hello from a clean root";
}
