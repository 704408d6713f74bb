/* A container for the tests: one static program that behaves as its environment says. */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <unistd.h>

static const char *setting(const char *name, const char *otherwise) {
    const char *value = getenv(name);
    return value ? value : otherwise;
}

static void stop(int number) {
    (void)number;
    printf("stopping\n");
    fflush(stdout);
    sleep(atoi(setting("LINGER", "0")));
    _exit(0);
}

/* Leaves a process behind that has nothing to do with us any more: another session, no parent. */
static void stray(void) {
    if (fork())
        return;
    setsid();
    if (fork())
        _exit(0);
    for (;;)
        pause();
}

/* Tries to leave its root folder, and to reach what is outside. */
static void escape(const char *file) {
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons(80)};
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    inet_pton(AF_INET, setting("BIND", "0.0.0.0"), &place.sin_addr);
    int bound = !bind(listener, (struct sockaddr *)&place, sizeof place);
    mkdir("/jail", 0700);
    printf("as %d: bind %d, chown %d", (int)getuid(), bound, !chown("/jail", 1, 1));
    printf(", mknod %d", !mknod("/disk", S_IFBLK | 0600, makedev(7, 0)));
    printf(", chroot %d", !chroot("/jail"));
    for (int i = 0; i < 64 && !chdir(".."); i++)
        ;
    if (chroot("."))
        printf(", and");
    printf(" outside %d", !access(file, F_OK));
    kill(atoi(setting("VICTIM", "0")), SIGKILL);
    printf(", setuid %d\n", !setgid(7) && !setuid(7));
    fflush(stdout);
}

/* Whether PostgreSQL answers at `ADDRESS PORT`: a byte, when it is asked for TLS. */
static int reaches(const char *text) {
    char address[64];
    int port, server = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in place = {.sin_family = AF_INET};
    struct timeval patience = {.tv_usec = 500000};
    if (sscanf(text, "%63s %d", address, &port) != 2)
        return 0;
    place.sin_port = htons(port);
    inet_pton(AF_INET, address, &place.sin_addr);
    setsockopt(server, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    int answered = !connect(server, (struct sockaddr *)&place, sizeof place) &&
                   write(server, "\0\0\0\10\4\322\26\57", 8) == 8 && read(server, address, 1) == 1;
    close(server);
    return answered;
}

/* Takes so many MiB of memory, in a process of its own where it is a worker's. */
static void take(size_t mebibytes) {
    if (getenv("WORKER") && fork())
        return;
    volatile char *memory = malloc(mebibytes << 20);
    for (size_t i = 0; memory && i < mebibytes << 20; i += 4096)
        memory[i] = 1;
    while (getenv("WORKER"))
        pause();
}

/* Talks with whoever sits at its terminal: says who it is, how large the window is, what it was told. */
static int talk(void) {
    char line[256], folder[256];
    struct winsize size;
    printf("%s as %d in %s\n", setting("NAME", "nobody"), (int)getuid(), getcwd(folder, sizeof folder));
    fflush(stdout);
    while (fgets(line, sizeof line, stdin) && strncmp(line, "bye", 3)) {
        ioctl(0, TIOCGWINSZ, &size);
        printf("%dx%d heard %s", size.ws_col, size.ws_row, line);
        fflush(stdout);
    }
    printf("good-bye\n");
    return 3;
}

int main(int count, char **arguments) {
    if (count > 1 && !strcmp(arguments[1], "check"))
        return atoi(setting("CHECK", "0"));
    if (count > 1 && !strcmp(arguments[1], "talk"))
        return talk();
    printf("hello from %s as %d\n", setting("NAME", "nobody"), (int)getuid());
    fflush(stdout);
    if (getenv("WRITE"))
        printf("wrote %d\n", !mkdir(getenv("WRITE"), 0755));
    if (getenv("LOOK"))
        printf("sees %d\n", !access(getenv("LOOK"), F_OK));
    fflush(stdout);
    if (getenv("EXIT"))
        return atoi(getenv("EXIT"));
    if (getenv("LIVES")) {
        sleep(atoi(getenv("LIVES")));
        return 5;
    }
    if (getenv("TAKE"))
        take(atoi(getenv("TAKE")));
    if (getenv("STRAY"))
        stray();
    if (getenv("ESCAPE"))
        escape(getenv("ESCAPE"));
    signal(SIGTERM, getenv("DEAF") ? SIG_IGN : stop);
    int listener = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    struct sockaddr_in place = {.sin_family = AF_INET};
    place.sin_port = htons(atoi(setting("PORT", "8080")));
    inet_pton(AF_INET, setting("BIND", "0.0.0.0"), &place.sin_addr);
    if (bind(listener, (struct sockaddr *)&place, sizeof place) || listen(listener, 64)) {
        perror("listen");
        return 1;
    }
    for (;;) {
        int client = accept(listener, 0, 0);
        char request[8192], reply[8400], body[1024];
        long length = read(client, request, sizeof request - 1);
        request[length > 0 ? length : 0] = 0;
        if (!strncmp(request, "GET /exit ", 10))
            _exit(5);
        int healthy = strncmp(request, "GET /healthz ", 13) || !getenv("SICK");
        if (!strncmp(request, "GET /reach ", 11))
            snprintf(body, sizeof body, "%s\n", reaches(setting("REACH", "")) ? "reached" : "lost");
        else
            snprintf(body, sizeof body, "%s %s %s\n", setting("NAME", "nobody"), setting("SECRET", "-"),
                 setting("BIND", "-"));
        snprintf(reply, sizeof reply, "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
                 healthy ? "200 OK" : "500 Internal Server Error", strlen(body), body);
        if (write(client, reply, strlen(reply)) < 0)
            perror("write");
        shutdown(client, SHUT_WR);
        close(client);
    }
}
