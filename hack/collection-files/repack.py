"""Writes a tarball anew, so that the same contents give the same bytes.

repack.py FROM TO SECONDS: SECONDS since 1970 becomes the time of all files.
"""

import gzip
import sys
import tarfile

source, target, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3])

with tarfile.open(source) as old, open(target, "wb") as raw:
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=raw, mtime=0) as packed:
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as new:
            for member in sorted(old.getmembers(), key=lambda m: m.name):
                clean = tarfile.TarInfo(member.name)
                clean.size, clean.type, clean.mode, clean.mtime = member.size, member.type, member.mode, seconds
                new.addfile(clean, old.extractfile(member) if member.isfile() else None)
