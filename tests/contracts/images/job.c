/* A job: writes what it does, and ends well a second after its start. Its argument makes it `fail` with
 * exit code 3, or `sleep` for an hour. No libc. */
#include "bare.h"

enum { WRITE = 1, NANOSLEEP = 35, EXIT = 60 };

static const char begun[] = "migrating\n";
static const char done[] = "migrated 3 tables\n";
static const char complaint[] = "fatal: table notes is locked\n";

__attribute__((used)) void begin(long *stack) {
    char manner = stack[0] > 1 ? *(char *)stack[2] : 0;
    long moment[2] = {manner == 's' ? 3600 : 1, 0};
    call(WRITE, 1, (long)begun, sizeof begun - 1, 0, 0);
    call(NANOSLEEP, (long)moment, 0, 0, 0, 0);
    if (manner == 'f') {
        call(WRITE, 2, (long)complaint, sizeof complaint - 1, 0, 0);
        call(EXIT, 3, 0, 0, 0, 0);
    }
    call(WRITE, 1, (long)done, sizeof done - 1, 0, 0);
    call(EXIT, 0, 0, 0, 0, 0);
}
