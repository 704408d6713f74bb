/* A worker that goes on running, and whose checks pass or fail. No libc.
 *
 * Its argument says what it is: `well`, a check that passes; `ill`, one that does not; `hungry`, a
 * program that takes 48 MiB and keeps them. */
#include "bare.h"

enum { MMAP = 9, PAUSE = 34, EXIT = 60 };

enum { READ_WRITE = 3, PRIVATE_ANONYMOUS = 0x22, TAKEN = 48 << 20, PAGE = 4096 };

/* The call takes six arguments, and the file that is none is the fifth. */
static char *taken(void) {
    long result;
    register long r10 __asm__("r10") = PRIVATE_ANONYMOUS;
    register long r8 __asm__("r8") = -1;
    register long r9 __asm__("r9") = 0;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(MMAP), "D"(0), "S"(TAKEN), "d"(READ_WRITE), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return (char *)result;
}

__attribute__((used)) void begin(long *stack) {
    char manner = stack[0] > 1 ? *(char *)stack[2] : 0;
    if (manner == 'w' || manner == 'i')
        call(EXIT, manner == 'i', 0, 0, 0, 0);
    if (manner == 'h') {
        volatile char *all = taken();
        for (long at = 0; at < TAKEN; at += PAGE)
            all[at] = 1;
    }
    for (;;)
        call(PAUSE, 0, 0, 0, 0, 0);
}
