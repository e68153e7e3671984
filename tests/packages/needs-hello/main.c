#include <hello.h>
#include <stdio.h>

int main(void)
{
    return puts(hello_text()) < 0;
}
