/* A service that tells who it is, for changes under load: every answer is the NAME of its
 * environment. No libc, so that the image is three kilobytes. It listens on the address in BIND, as
 * the lab asks its tasks to, and on PORT, by default 8080.
 *
 * The path in UP, by default `/healthz`, answers; other paths that begin with `/up` or `/healthz`
 * are not there. A path that ends in `/data` answers when PostgreSQL does, behind the first
 * variable whose name ends in `_HOST` and the one that ends in `_PORT`. Who has `BROKEN` in its
 * environment ends at once, and who has `FAILS` is healthy and fails at everything else. */
#include "bare.h"

enum {
    READ = 0, WRITE = 1, CLOSE = 3, POLL = 7, RT_SIGACTION = 13, SOCKET = 41, CONNECT = 42, ACCEPT = 43,
    BIND = 49, LISTEN = 50, SETSOCKOPT = 54, FORK = 57, EXIT = 60
};

enum { READABLE = 1, CHILD_ENDED = 17, PATIENCE_MS = 2000 };

struct action {
    void *handler;
    unsigned long flags;
    void *restorer;
    unsigned long mask;
};

struct waiting {
    int file;
    short events, happened;
};

/* What a client of PostgreSQL says first: whether the server speaks TLS. It answers with a letter. */
static const unsigned char greeting[] = {0, 0, 0, 8, 4, 210, 22, 47};

static size_t length(const char *text) {
    size_t length = 0;
    while (text[length])
        length++;
    return length;
}

static int is_same(const char *text, const char *other, size_t length) {
    for (size_t at = 0; at < length; at++)
        if (text[at] != other[at])
            return 0;
    return 1;
}

static int begins(const char *text, const char *with) {
    return is_same(text, with, length(with));
}

/* The value of a variable; with a name that begins with `_`, of the first whose name ends so. */
static const char *variable(char **environment, const char *name, const char *otherwise) {
    size_t wanted = length(name);
    for (; *environment; environment++) {
        size_t given = 0;
        while ((*environment)[given] && (*environment)[given] != '=')
            given++;
        if (given < wanted || (name[0] != '_' && given != wanted))
            continue;
        if (is_same(*environment + given - wanted, name, wanted))
            return *environment + given + 1;
    }
    return otherwise;
}

static struct place place(const char *address, const char *port) {
    struct place place = {.family = 2};
    unsigned number = 0;
    for (; *port >= '0' && *port <= '9'; port++)
        number = number * 10 + (*port - '0');
    place.port = (unsigned short)(number << 8 | number >> 8);
    unsigned char *into = place.address;
    for (; *address && into < place.address + 4; address++) {
        if (*address == '.')
            into++;
        else
            *into = *into * 10 + (*address - '0');
    }
    return place;
}

static int has_data(char **environment) {
    const char *host = variable(environment, "_HOST", 0), *port = variable(environment, "_PORT", "5432");
    if (!host)
        return 0;
    struct place server = place(host, port);
    long connection = call(SOCKET, 2, 1, 0, 0, 0);
    if (call(CONNECT, connection, (long)&server, sizeof server, 0, 0))
        return 0;
    call(WRITE, connection, (long)greeting, sizeof greeting, 0, 0);
    struct waiting waiting = {.file = (int)connection, .events = READABLE};
    char answer;
    return call(POLL, (long)&waiting, 1, PATIENCE_MS, 0, 0) == 1 &&
           call(READ, connection, (long)&answer, 1, 0, 0) == 1;
}

static const char *status(const char *path, size_t size, char **environment) {
    const char *up = variable(environment, "UP", "/healthz");
    if (size == length(up) && is_same(path, up, size))
        return "200 OK";
    if (variable(environment, "FAILS", 0))
        return "500 Internal Server Error";
    if (begins(path, "/healthz") || begins(path, "/up"))
        return "404 Not Found";
    if (size >= 5 && is_same(path + size - 5, "/data", 5) && !has_data(environment))
        return "503 Service Unavailable";
    return "200 OK";
}

static void say(long visitor, const char *text) {
    call(WRITE, visitor, (long)text, (long)length(text), 0, 0);
}

static void answer(long visitor, char **environment) {
    char request[4096] = {0};
    call(READ, visitor, (long)request, sizeof request - 1, 0, 0);
    const char *path = request;
    while (*path && *path != ' ')
        path++;
    path += *path == ' ';
    size_t size = 0;
    while (path[size] && path[size] != ' ' && path[size] != '?')
        size++;
    say(visitor, "HTTP/1.1 ");
    say(visitor, status(path, size, environment));
    say(visitor, "\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n");
    say(visitor, variable(environment, "NAME", "nobody"));
}

__attribute__((used)) void begin(long *stack) {
    char **environment = (char **)(stack + 2 + stack[0]);
    if (variable(environment, "BROKEN", 0))
        call(EXIT, 3, 0, 0, 0, 0);
    struct place own = place(variable(environment, "BIND", "0.0.0.0"), variable(environment, "PORT", "8080"));
    struct action ignore = {.handler = (void *)1};
    call(RT_SIGACTION, CHILD_ENDED, (long)&ignore, 0, 8, 0);
    long listener = call(SOCKET, 2, 1, 0, 0, 0);
    int yes = 1;
    call(SETSOCKOPT, listener, 1, 2, (long)&yes, sizeof yes);
    if (call(BIND, listener, (long)&own, sizeof own, 0, 0) || call(LISTEN, listener, 64, 0, 0, 0))
        call(EXIT, 1, 0, 0, 0, 0);
    for (;;) {
        long visitor = call(ACCEPT, listener, 0, 0, 0, 0);
        if (call(FORK, 0, 0, 0, 0, 0) == 0) {
            answer(visitor, environment);
            call(EXIT, 0, 0, 0, 0, 0);
        }
        call(CLOSE, visitor, 0, 0, 0, 0);
    }
}
