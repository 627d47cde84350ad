"""What a process has in its memory, page by page (Linux)."""

import base64
import re
import struct

PAGE = 4096
STEP = 1 << 20
# base64url, plain base64 and the characters that join the parts of a token or pad one.
RUNS = re.compile(rb"[A-Za-z0-9_+/=.-]{9,}")
PIECE = 9


def maps(pid):
    """(start, end, permissions, name) of all that can be read."""
    with open(f"/proc/{pid}/maps") as f:
        for line in f:
            fields = line.split(maxsplit=5)
            start, end = (int(bound, 16) for bound in fields[0].split("-"))
            name = fields[5].strip() if len(fields) > 5 else "anonymous"
            if fields[1].startswith("r") and name not in ("[vvar]", "[vsyscall]"):
                yield start, end, fields[1], name


def resident(pid):
    """(address, bytes, map's name) of every stretch of pages that is there; a stretch ends with its map."""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory, open(f"/proc/{pid}/pagemap", "rb", buffering=0) as pages:
        for start, end, permissions, name in maps(pid):
            pages.seek(start // PAGE * 8)
            entries = pages.read((end - start) // PAGE * 8)
            there = [entry >> 62 != 0 for entry, in struct.iter_unpack("<Q", entries)]
            at = 0
            while at < len(there):
                if not there[at]:
                    at += 1
                    continue
                last = at
                while last < len(there) and there[last] and (last - at) * PAGE < STEP:
                    last += 1
                address = start + at * PAGE
                try:
                    memory.seek(address)
                    # Some more, for what lies across the edge of a step.
                    data = memory.read(min((last - at) * PAGE + 64, end - address))
                    if data.strip(b"\0"):
                        yield address, data, f"{name} {permissions}"
                except OSError:
                    pass  # a map that is gone by now, or a device's
                at = last


class Pieces:
    """The pieces of many tokens, each known by the door that it went through; what two tokens share tells nothing."""

    def __init__(self):
        self.texts, self.signatures = {}, {}

    def add(self, door, token):
        for part in token.split("."):
            self.add_text(door, part)
        signature = base64.urlsafe_b64decode(token.split(".")[2] + "==")
        # Every other window would cost more time than it finds: seventeen bytes in a row hold one of these.
        for at in range(0, len(signature) - PIECE + 1, 8):
            self.signatures[signature[at:at + PIECE]] = door

    def add_text(self, door, secret):
        """Words that may be in no place either, such as who a token is about."""
        for at in range(len(secret) - PIECE + 1):
            piece = secret[at:at + PIECE].encode()
            self.texts[piece] = door if self.texts.get(piece, door) == door else None

    def within(self, data):
        """(door, offset, what was found) of each stretch of pieces in these bytes."""
        for run in RUNS.finditer(data):
            run_bytes, begun = run.group(), None
            for at in range(len(run_bytes) - PIECE + 2):
                door = self.texts.get(run_bytes[at:at + PIECE]) if at <= len(run_bytes) - PIECE else None
                if begun and door != begun[0]:
                    yield begun[0], run.start() + begun[1], run_bytes[begun[1]:at + PIECE - 1]
                    begun = None
                if door and not begun:
                    begun = (door, at)
        for piece, door in self.signatures.items():
            at = data.find(piece)
            if at >= 0:
                yield door, at, b"signature: " + piece.hex().encode()

    def in_process(self, pid):
        """(door, address, map, what) of each stretch in the whole process."""
        for address, data, name in resident(pid):
            for door, at, found in self.within(data):
                yield door, address + at, name, found
