"""Users and machines of the development issuer: makes their secrets once and writes them down for whoever sits here.

The issuer itself keeps hashes only (keys/logins.json). What people type stands in the folder's file `logins`, 0600.
"""

import sys
from pathlib import Path

from deploy.instance import Instance
from deploy.issuer import MACHINES, PEOPLE, make_logins, read_logins
from deploy.secret_files import write_secret

HEAD = "# user  secret  role  organisation. Made by ./timber for this machine; the issuer keeps only hashes.\n"


def make(instance: Instance) -> None:
    """Make what is missing; who is there stays who it is. When plain secrets were lost, all are made anew. May be repeated."""
    hashes = instance.keys / "logins.json"
    hashed = read_logins(hashes).keys() if hashes.exists() else set()
    known = instance.logins() if hashed else {}
    tables = (*PEOPLE, *MACHINES)
    if not all(name in known for name, _, _ in tables):
        if hashed - known.keys():
            hashes.unlink()
        known |= make_logins(hashes, chosen=known)
        lines = [f"{name}  {known[name]}  {role}  {org}\n" for name, role, org in tables]
        write_secret(instance.logins_file, HEAD + "".join(lines))


if __name__ == "__main__":
    make(Instance(Path(sys.argv[1])))
