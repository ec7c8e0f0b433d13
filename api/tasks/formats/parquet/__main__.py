"""`python -m api.tasks.formats.parquet read|write`: what the API starts to read a Parquet file, or to write one.

read FILE FEATURES ROW_BYTES: a line of columns, then the rows, each a JSON object in a line; `!` begins what is wrong.
It ends when its standard input does.
write COLUMNS: takes rows, each a JSON object in a line, and gives a Parquet file.
"""

import sys
from pathlib import Path

from api.tasks.formats.encoding import decoder
from api.tasks.formats.parquet.bounds import bound, end_with_the_parent
from api.tasks.formats.parquet.reading import read
from api.tasks.formats.parquet.writing import write


def main(arguments: list[str]) -> int:
    """Do what the arguments say; return the exit status."""
    match arguments:
        case ["read", path, features, row_bytes]:
            end_with_the_parent()
            bound()
            return read(Path(path), decoder.decode(features), int(row_bytes), sys.stdout.buffer)
        case ["write", columns]:
            write(sys.stdin.buffer, dict(decoder.decode(columns)), sys.stdout.buffer)
            return 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
