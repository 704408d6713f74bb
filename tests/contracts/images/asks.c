/* A service that asks another one: it answers on port 8080 with what the service at USERS_HOST and
 * USERS_PORT answers, and with 502 where that cannot be reached. Without USERS_HOST it is the one that
 * is asked, and answers with the NAME of its environment. With an argument it checks itself, and ends
 * well. It finds the host in /etc/hosts, as every program does that is linked with a libc; it has none,
 * so that the image is three kilobytes. */
#include "bare.h"

enum {
    READ = 0, WRITE = 1, OPEN = 2, CLOSE = 3, SOCKET = 41, CONNECT = 42, ACCEPT = 43, BIND = 49, LISTEN = 50,
    SETSOCKOPT = 54, EXIT = 60
};

static const char question[] = "GET / HTTP/1.1\r\nHost: users\r\nConnection: close\r\n\r\n";
static const char nobody[] =
    "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
static const char well[] = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";

static int is_same(const char *text, const char *other, size_t length) {
    for (size_t at = 0; at < length; at++)
        if (text[at] != other[at])
            return 0;
    return 1;
}

static size_t length(const char *text) {
    size_t length = 0;
    while (text[length])
        length++;
    return length;
}

static const char *variable(char **environment, const char *name) {
    for (; *environment; environment++)
        if (is_same(*environment, name, length(name)) && (*environment)[length(name)] == '=')
            return *environment + length(name) + 1;
    return "";
}

static void read_address(const char *text, unsigned char *into) {
    for (into[0] = into[1] = into[2] = into[3] = 0; *text == '.' || (*text >= '0' && *text <= '9'); text++) {
        if (*text == '.')
            into++;
        else
            *into = *into * 10 + (*text - '0');
    }
}

static unsigned short read_port(const char *text) {
    unsigned number = 0;
    for (; *text >= '0' && *text <= '9'; text++)
        number = number * 10 + (*text - '0');
    return (unsigned short)(number << 8 | number >> 8);
}

/* Each line of the file is an address, a space and a name. */
static int find(const char *host, unsigned char *address) {
    static char hosts[4096];
    long file = call(OPEN, (long)"/etc/hosts", 0, 0, 0, 0);
    long size = file < 0 ? 0 : call(READ, file, (long)hosts, sizeof hosts - 1, 0, 0);
    if (file >= 0)
        call(CLOSE, file, 0, 0, 0, 0);
    for (char *line = hosts, *end = hosts + (size > 0 ? size : 0); line < end;) {
        char *name = line;
        while (*name != ' ' && name < end)
            name++;
        if (is_same(++name, host, length(host)) && name[length(host)] == '\n') {
            read_address(line, address);
            return 1;
        }
        while (line < end && *line++ != '\n')
            ;
    }
    return 0;
}

static void ask(long visitor, char **environment) {
    struct place server = {.family = 2, .port = read_port(variable(environment, "USERS_PORT"))};
    long connection = call(SOCKET, 2, 1, 0, 0, 0);
    static char answer[4096];
    long size = 0;
    if (find(variable(environment, "USERS_HOST"), server.address) &&
        !call(CONNECT, connection, (long)&server, sizeof server, 0, 0)) {
        call(WRITE, connection, (long)question, sizeof question - 1, 0, 0);
        for (long more; (more = call(READ, connection, (long)answer + size, sizeof answer - size, 0, 0)) > 0;)
            size += more;
    }
    call(CLOSE, connection, 0, 0, 0, 0);
    if (size > 0)
        call(WRITE, visitor, (long)answer, size, 0, 0);
    else
        call(WRITE, visitor, (long)nobody, sizeof nobody - 1, 0, 0);
}

__attribute__((used)) void begin(long *stack) {
    if (stack[0] > 1)
        call(EXIT, 0, 0, 0, 0, 0);
    char **environment = (char **)(stack + 2 + stack[0]);
    struct place place = {.family = 2, .port = 0x901f};
    read_address(variable(environment, "BIND"), place.address);
    long listener = call(SOCKET, 2, 1, 0, 0, 0);
    int yes = 1;
    call(SETSOCKOPT, listener, 1, 2, (long)&yes, sizeof yes);
    if (call(BIND, listener, (long)&place, sizeof place, 0, 0) || call(LISTEN, listener, 64, 0, 0, 0))
        call(EXIT, 1, 0, 0, 0, 0);
    for (;;) {
        static char request[4096];
        long visitor = call(ACCEPT, listener, 0, 0, 0, 0);
        long size = call(READ, visitor, (long)request, sizeof request, 0, 0);
        const char *name = variable(environment, "NAME");
        /* A load balancer that looks whether it is well asks nobody else. */
        int is_asked = !variable(environment, "USERS_HOST")[0];
        if (size > 12 && (is_asked || is_same(request, "GET /healthz", 12))) {
            call(WRITE, visitor, (long)well, sizeof well - 1, 0, 0);
            call(WRITE, visitor, (long)name, (long)length(name), 0, 0);
        } else if (size > 0)
            ask(visitor, environment);
        call(CLOSE, visitor, 0, 0, 0, 0);
    }
}
