/* The least that a service can run: answers every request on port 8080 with 200. No libc, so that
 * the image is two kilobytes. It listens on the address in BIND, as the lab asks its tasks to.
 *
 * Its argument breaks it: `exits` at once, is `unwell` and answers with 500, or listens `elsewhere`,
 * on port 9090. With `healthy` it is the check of its own that always holds. */
#include "bare.h"

enum { READ = 0, WRITE = 1, CLOSE = 3, SOCKET = 41, ACCEPT = 43, BIND = 49, LISTEN = 50, SETSOCKOPT = 54, EXIT = 60 };

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
static const char refusal[] =
    "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
static const char complaint[] = "starting\nfatal: DATABASE_URL is not set\n";

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

__attribute__((used)) void begin(long *stack) {
    char manner = stack[0] > 1 ? *(char *)stack[2] : 0;
    if (manner == 'h')
        call(EXIT, 0, 0, 0, 0, 0);
    if (manner == 'e' && ((char *)stack[2])[1] == 'x') {
        call(WRITE, 2, (long)complaint, sizeof complaint - 1, 0, 0);
        call(EXIT, 3, 0, 0, 0, 0);
    }
    struct place place = {.family = 2, .port = manner == 'e' ? 0x8223 : 0x901f};
    address(place.address, (char **)(stack + 2 + stack[0]));
    long listener = call(SOCKET, 2, 1, 0, 0, 0);
    int yes = 1;
    call(SETSOCKOPT, listener, 1, 2, (long)&yes, sizeof yes);
    if (call(BIND, listener, (long)&place, sizeof place, 0, 0) || call(LISTEN, listener, 64, 0, 0, 0))
        call(EXIT, 1, 0, 0, 0, 0);
    for (;;) {
        char request[4096];
        long visitor = call(ACCEPT, listener, 0, 0, 0, 0);
        call(READ, visitor, (long)request, sizeof request, 0, 0);
        if (manner == 'u')
            call(WRITE, visitor, (long)refusal, sizeof refusal - 1, 0, 0);
        else
            call(WRITE, visitor, (long)answer, sizeof answer - 1, 0, 0);
        call(CLOSE, visitor, 0, 0, 0, 0);
    }
}
