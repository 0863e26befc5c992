"""The lexical part of PromQL that deliver needs: strings, names, comments. Rules: Prometheus querying basics, "string literals"."""

import re

_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", "'": "'", '"': '"'}
_HEX = {"x": 2, "u": 4, "U": 8}


class BadText(Exception):
    """at: index of the first character that does not fit."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.at = at


def quote(text: str) -> str:
    """Any text as a double-quoted PromQL string."""
    body = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda m: f"\\x{ord(m.group()):02x}", body) + '"'


class Scanner:
    """A place in a text. Methods that do not fit leave it where it is, or raise BadText."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def end(self) -> bool:
        return self.at >= len(self.text)

    def rest(self, length: int = 20) -> str:
        return self.text[self.at : self.at + length]

    def space(self) -> None:
        while not self.end() and self.text[self.at] in " \t\r\n":
            self.at += 1

    def peek(self, token: str) -> bool:
        return self.text.startswith(token, self.at)

    def take(self, token: str) -> bool:
        found = self.peek(token)
        self.at += len(token) if found else 0
        return found

    def match(self, pattern: re.Pattern[str]) -> str:
        """The longest match here, "" when there is none."""
        found = pattern.match(self.text, self.at)
        if not found:
            return ""
        self.at = found.end()
        return found.group()

    def comment(self) -> bool:
        if not self.peek("#"):
            return False
        end = self.text.find("\n", self.at)
        self.at = len(self.text) if end < 0 else end
        return True

    def quoted(self) -> bool:
        return not self.end() and self.text[self.at] in "\"'`"

    def string(self) -> str:
        """The value of the string literal here."""
        if not self.quoted():
            raise BadText("a string in quotes is missing", self.at)
        start, mark = self.at, self.text[self.at]
        self.at += 1
        out = bytearray()
        while not self.end():
            char = self.text[self.at]
            if char == mark:
                self.at += 1
                return self._decoded(out, start)
            if char == "\n" and mark != "`":
                break
            if char == "\\" and mark != "`":
                out += self._escape()
            else:
                out += char.encode(errors="surrogatepass")
                self.at += 1
        raise BadText("the string is not closed", start)

    def _decoded(self, out: bytearray, start: int) -> str:
        try:
            return out.decode()
        except UnicodeDecodeError as error:
            raise BadText("the string is not UTF-8", start) from error

    def _escape(self) -> bytes:
        at = self.at
        kind = self.text[at + 1 : at + 2]
        if kind in _SIMPLE:
            self.at += 2
            return _SIMPLE[kind].encode()
        if kind in _HEX:
            return self._number(at, self.text[at + 2 : at + 2 + _HEX[kind]], 16, _HEX[kind], 2)
        return self._number(at, self.text[at + 1 : at + 4], 8, 3, 1)

    def _number(self, at: int, digits: str, base: int, length: int, skip: int) -> bytes:
        allowed = "01234567" if base == 8 else "0123456789abcdefABCDEF"
        if len(digits) != length or any(digit not in allowed for digit in digits):
            raise BadText("unknown escape in a string", at)
        self.at = at + skip + length
        code = int(digits, base)
        if base == 8 or length == 2:
            if code > 255:
                raise BadText("unknown escape in a string", at)
            return bytes([code])
        if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            raise BadText("not a Unicode character", at)
        return chr(code).encode()
