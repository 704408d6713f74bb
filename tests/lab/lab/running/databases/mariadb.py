"""MariaDB: the one the machine has. It serves instances of engine `mysql` as well."""

from __future__ import annotations

from pathlib import Path

from lab.running.authority import Authority
from lab.running.databases.engines import Engine, Server, folders_of

SETTINGS = {
    "innodb-buffer-pool-size": "16M",
    "innodb-log-file-size": "8M",
    "innodb-flush-log-at-trx-commit": "0",
    "innodb-flush-method": "nosync",
    "innodb-fast-shutdown": "2",
    "character-set-server": "utf8mb4",
}


class MariaDb(Engine):
    """Servers that let the master user in with its password, and nobody else."""

    title = "MariaDB"
    programs_needed = ("mariadbd",)
    users = ("mysql",)
    says_ready = "ready for connections"

    def candidates(self) -> list[Path]:
        """The `PATH` and the folders of system programs."""
        return folders_of("mariadbd")

    def prepare(self, server: Server) -> None:
        """Makes a data folder with a master user and a database."""
        install = folders_of("mariadb-install-db")[0] / "mariadb-install-db"
        account = ["--auth-root-authentication-method=socket", "--auth-root-socket-user=mysql"]
        options = [*account, "--skip-test-db", "--skip-name-resolve"]
        self.run([str(install), "--no-defaults", *options, *_settings(server)], server.folder)
        pem = server.folder / "tls.pem"
        pem.touch()
        self.own(pem)
        pem.write_bytes(self._lab.part(Authority).issue([server.outside[0]]))
        login = server.login
        user = f"{_text(login.user)}@'%'"
        statements = [
            f"CREATE USER {user} IDENTIFIED BY {_text(login.password)}",
            f"GRANT ALL PRIVILEGES ON *.* TO {user} WITH GRANT OPTION",
            f"REVOKE SUPER, FILE, SHUTDOWN ON *.* FROM {user}",
        ]
        if login.database:
            statements.append(f"CREATE DATABASE {_name(login.database)}")
        self._execute(server, statements)

    def change_password(self, server: Server) -> None:
        """Sets the master user's password."""
        user, password = _text(server.login.user), _text(server.login.password)
        self._execute(server, [f"ALTER USER {user}@'%' IDENTIFIED BY {password}"])

    def command(self, server: Server) -> list[str]:
        """The server with its settings."""
        place = [f"--bind-address={server.address}", f"--port={server.port}"]
        tls = [f"--{key}={server.folder / 'tls.pem'}" for key in ("ssl-cert", "ssl-key")]
        if server.login.encrypted:
            tls.append("--require-secure-transport=ON")
        return [*self._server(), *_settings(server), *place, *tls, "--skip-name-resolve"]

    def _server(self) -> list[str]:
        assert self.programs is not None
        return [str(self.programs / "mariadbd"), "--no-defaults"]

    def _execute(self, server: Server, statements: list[str]) -> None:
        """Runs statements in bootstrap mode, which needs no client and no password."""
        command = " ".join(f'"{word}"' for word in [*self._server(), *_settings(server)])
        lines = ["FLUSH PRIVILEGES", *statements]
        self.run_script(
            f"{command} --bootstrap", "".join(f"{line};\n" for line in lines), server.folder
        )


def _settings(server: Server) -> list[str]:
    folder = server.folder
    places = {
        "datadir": f"{folder}/data",
        "socket": "socket",
        "pid-file": "pid",
        "tmpdir": str(folder),
    }
    return [f"--{key}={value}" for key, value in {**places, **SETTINGS}.items()]


def _name(identifier: str) -> str:
    return "`" + identifier.replace("`", "``") + "`"


def _text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
