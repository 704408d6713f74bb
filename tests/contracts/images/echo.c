/* Says back what it hears: to whoever connects to port 8080, and in datagrams on port 5353. No libc.
 * It listens on the address in BIND, as the lab asks its tasks to. */
#include "bare.h"

enum { READ = 0, WRITE = 1, CLOSE = 3, POLL = 7, SOCKET = 41, ACCEPT = 43, SENDTO = 44, RECVFROM = 45, BIND = 49, LISTEN = 50, SETSOCKOPT = 54, EXIT = 60 };

struct watched {
    int file;
    short wanted, happened;
};

static void address(unsigned char *into, char **environment) {
    for (; *environment; environment++) {
        char *at = *environment;
        if (at[0] != 'B' || at[1] != 'I' || at[2] != 'N' || at[3] != 'D' || at[4] != '=')
            continue;
        for (at += 5; *at; at++) {
            if (*at == '.')
                into++;
            else
                *into = *into * 10 + (*at - '0');
        }
    }
}

static int bound(int kind, unsigned short port, char **environment) {
    struct place place = {.family = 2, .port = port};
    address(place.address, environment);
    int file = call(SOCKET, 2, kind, 0, 0, 0), yes = 1;
    call(SETSOCKOPT, file, 1, 2, (long)&yes, sizeof yes);
    if (call(BIND, file, (long)&place, sizeof place, 0, 0))
        call(EXIT, 1, 0, 0, 0, 0);
    return file;
}

/* Sending to and receiving from a place take six arguments. */
static long with_place(long number, long file, void *data, long size, struct place *who, void *length) {
    long result;
    register long r10 __asm__("r10") = 0;
    register void *r8 __asm__("r8") = who;
    register void *r9 __asm__("r9") = length;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(file), "S"(data), "d"(size), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

__attribute__((used)) void begin(long *stack) {
    char **environment = (char **)(stack + 2 + stack[0]);
    int listener = bound(1, 0x901f, environment), datagrams = bound(2, 0xe914, environment);
    call(LISTEN, listener, 64, 0, 0, 0);
    for (;;) {
        struct watched both[] = {{listener, 1, 0}, {datagrams, 1, 0}};
        char heard[2048];
        call(POLL, (long)both, 2, -1, 0, 0);
        if (both[1].happened) {
            struct place who;
            unsigned length = sizeof who;
            long size = with_place(RECVFROM, datagrams, heard, sizeof heard, &who, &length);
            if (size >= 0)
                with_place(SENDTO, datagrams, heard, size, &who, (void *)sizeof who);
        }
        if (both[0].happened) {
            long visitor = call(ACCEPT, listener, 0, 0, 0, 0);
            long size = call(READ, visitor, (long)heard, sizeof heard, 0, 0);
            if (size > 0)
                call(WRITE, visitor, (long)heard, size, 0, 0);
            call(CLOSE, visitor, 0, 0, 0, 0);
        }
    }
}
