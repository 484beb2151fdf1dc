"""Why an upload is not taken: a stable code and a sentence with its remedy for each cause."""

from __future__ import annotations

import unicodedata
from enum import StrEnum

from app.errors import FieldError, InvalidInput, TooLarge


class Refusal(StrEnum):
    """The code of each cause, as it appears in the answer."""

    UNKNOWN_FORMAT = "unknown_format"
    EMPTY = "empty_upload"
    CORRUPT = "corrupt_archive"
    ENCRYPTED = "encrypted_archive"
    COMPRESSION = "unsupported_compression"
    SPARSE = "sparse_file"
    TOO_LARGE = "archive_too_large"
    TOO_MANY = "too_many_entries"
    BOMB = "archive_bomb"
    OVERLAP = "overlapping_entries"
    NO_RUN_SH = "no_run_sh"
    RUN_SH_TOO_LARGE = "run_sh_too_large"
    ABSOLUTE = "absolute_path"
    PARENT = "parent_path"
    BACKSLASH = "backslash_path"
    DRIVE = "drive_letter_path"
    CONTROL = "control_character_path"
    ENCODING = "path_not_utf8"
    TOO_LONG = "path_too_long"
    NO_NAME = "empty_path"
    LINK = "link"
    DEVICE = "device"
    DUPLICATE = "duplicate_path"
    LOOKALIKE = "lookalike_path"
    CLASH = "file_and_folder"


_SENTENCES = {
    Refusal.UNKNOWN_FORMAT: "{detail}. Upload a zip, tar or tar.gz archive.",
    Refusal.EMPTY: "The upload is empty. Send a zip, tar or tar.gz archive, or the files of a folder.",
    Refusal.CORRUPT: "The archive is damaged or cut off: {detail}. Make it again and upload the new one.",
    Refusal.ENCRYPTED: "{path} is encrypted. Make the archive without a password.",
    Refusal.COMPRESSION: "{path} is compressed in a way that is not read here ({detail}). "
    "Make the zip with the usual “deflate” method, or upload a tar.gz.",
    Refusal.SPARSE: "{path} is stored as a sparse file. Make the tar without --sparse.",
    Refusal.TOO_LARGE: "The upload is larger than the limit of {limit}. "
    "Leave large data out of it and read that from a storage.",
    Refusal.TOO_MANY: "The upload has more than {limit} files and folders. "
    "Leave out what the training does not need (.git, virtual environments, caches, data).",
    Refusal.BOMB: "The archive unpacks to more than {limit} times its size, as only a decompression bomb does. "
    "Leave out the file that is nearly all one byte, or read it from a storage.",
    Refusal.OVERLAP: "{path} shares its bytes with another file of the zip. Make the zip with an ordinary tool.",
    Refusal.NO_RUN_SH: "There is no run.sh {detail}. "
    "A training starts with `bash run.sh`: put that file at the top of the folder that you upload.",
    Refusal.RUN_SH_TOO_LARGE: "run.sh is larger than the limit of {limit}. "
    "Keep it a short script and put everything else into files beside it.",
    Refusal.ABSOLUTE: "{path} is an absolute path. Make the archive from inside the folder, with relative paths.",
    Refusal.PARENT: "{path} leads out of the archive through “..”. "
    "Make the archive from inside the folder, so that no path has “..” in it.",
    Refusal.BACKSLASH: "{path} has a backslash in its name. "
    "Make the archive with a tool that separates folders by “/”, or rename the file.",
    Refusal.DRIVE: "{path} begins with a drive letter. Make the archive from inside the folder, with relative paths.",
    Refusal.CONTROL: "{path} has a NUL or another control character in its name. Rename the file.",
    Refusal.ENCODING: "{path} has a name that is not UTF-8. Rename the file, or make the archive on a UTF-8 system.",
    Refusal.TOO_LONG: "{path} is too long a path: at most {limit}. Shorten the names or nest the folders less.",
    Refusal.NO_NAME: "A file of the upload has no name ({path}). Make the archive again from inside the folder.",
    Refusal.LINK: "{path} is a link. Links are not taken: put the file itself there "
    "(`tar --dereference --hard-dereference`, or zip without `-y`).",
    Refusal.DEVICE: "{path} is a device, pipe or socket. Only regular files and folders are taken: leave it out.",
    Refusal.DUPLICATE: "{path} is there twice. Make the archive anew instead of adding to an old one.",
    Refusal.LOOKALIKE: "{path} looks the same as another file’s path and differs only in how its accents are encoded. "
    "Rename one of them.",
    Refusal.CLASH: "{path} is both a file and a folder. Make the archive anew instead of adding to an old one.",
}

_OVER_A_LIMIT = {Refusal.TOO_LARGE, Refusal.TOO_MANY, Refusal.BOMB, Refusal.RUN_SH_TOO_LARGE}


def refuse(refusal: Refusal, *, path: str = "", detail: str = "", limit: str = "") -> InvalidInput | TooLarge:
    """The error to raise for one cause. `path`, `detail`, `limit` fill its sentence."""
    sentence = _SENTENCES[refusal].format(path=shown(path), detail=detail, limit=limit)
    kind = TooLarge if refusal in _OVER_A_LIMIT else InvalidInput
    return kind(sentence, code=refusal, errors=[FieldError("/archive", sentence)])


def shown(path: str, longest: int = 120) -> str:
    """A path from an upload, safe to put in a sentence: quoted, printable and not endless."""
    text = "".join(c if _printable(c) else f"\\u{{{ord(c):x}}}" for c in path[: longest + 1])
    return f"“{text[:longest]}{'…' if len(text) > longest else ''}”"


def size_text(count: int) -> str:
    """Bytes in the largest unit that keeps it short: `256 MiB`."""
    for unit, size in (("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024)):
        if count >= size:
            return f"{count / size:.4g} {unit}"
    return f"{count} bytes"


def _printable(character: str) -> bool:
    return not unicodedata.category(character).startswith("C")
