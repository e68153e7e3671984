#include <stdio.h>

#include "hello.h"

int main(void)
{
    puts(hello_text());
    return 0;
}
