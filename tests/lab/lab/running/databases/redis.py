"""Redis or Valkey: the one the machine has, for caches of either engine."""

from __future__ import annotations

from pathlib import Path

from lab.running.authority import Authority
from lab.running.databases.engines import Engine, Server, folders_of

SETTINGS = (
    "appendonly no",
    "maxmemory-policy volatile-lru",
    "protected-mode no",
    # What is never due still makes the server write its data down when it is stopped.
    "save 86400 1000000000",
)
RESTRICTED = (
    "acl",
    "bgrewriteaof",
    "bgsave",
    "config",
    "debug",
    "migrate",
    "psync",
    "replicaof",
    "save",
    "shutdown",
    "slaveof",
    "sync",
)


class Redis(Engine):
    """Servers that take one token or two, or everybody, in the clear or by TLS."""

    title = "Redis"
    programs_needed = ("redis-server",)
    users = ("redis",)
    says_ready = "Ready to accept connections"

    def candidates(self) -> list[Path]:
        """The `PATH` and the folders of system programs."""
        return folders_of(self.programs_needed[0])

    def prepare(self, server: Server) -> None:
        """Writes the settings and, for TLS, a certificate."""
        if server.login.encrypted:
            authority = self._lab.part(Authority)
            self._write(server.folder / "tls.pem", authority.issue([server.address]).decode())
        self.change_password(server)

    def change_password(self, server: Server) -> None:
        """Writes the settings with the tokens that are good now."""
        login = server.login
        tokens = [token for token in (login.password, login.former_password) if token]
        opens = " ".join(f">{token}" for token in tokens) or "nopass"
        commands = " ".join(["+@all", *(f"-{name}" for name in RESTRICTED)])
        lines = [*SETTINGS, f"user default on {opens} ~* &* {commands}"]
        self._write(server.folder / "redis.conf", "".join(f"{line}\n" for line in lines))

    def command(self, server: Server) -> list[str]:
        """The server with its settings."""
        assert self.programs is not None
        program = self.programs / self.programs_needed[0]
        command = [str(program), str(server.folder / "redis.conf")]
        command += ["--bind", server.address, "--dir", str(server.folder)]
        if not server.login.encrypted:
            return [*command, "--port", str(server.port)]
        pem = str(server.folder / "tls.pem")
        command += ["--port", "0", "--tls-port", str(server.port), "--tls-auth-clients", "no"]
        return [*command, "--tls-cert-file", pem, "--tls-key-file", pem]

    def _write(self, path: Path, text: str) -> None:
        path.touch()
        self.own(path)
        path.write_text(text)


class Valkey(Redis):
    """The same, of the other name."""

    title = "Valkey"
    programs_needed = ("valkey-server",)
    users = ("valkey",)
