"""A registry that answers 429 at first, and then what another one answers: `busy_registry.py PORT SECONDS UPSTREAM`, on the node."""

import http.client
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Busy(BaseHTTPRequestHandler):
    seconds, upstream, began = 0.0, "", 0.0

    def do_GET(self) -> None:
        kind = type(self)
        kind.began = kind.began or time.monotonic()
        if time.monotonic() - kind.began < kind.seconds:
            self.send_response(429)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        asked = http.client.HTTPConnection(kind.upstream, timeout=30)
        asked.request(self.command, self.path, headers={key: value for key, value in self.headers.items() if key == "Accept"})
        answer = asked.getresponse()
        body = answer.read()
        self.send_response(answer.status)
        for key, value in answer.getheaders():
            if key not in ("Date", "Server", "Transfer-Encoding"):
                self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)
        asked.close()

    do_HEAD = do_GET  # noqa: N815  # http.server calls it so

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


if __name__ == "__main__":
    Busy.seconds, Busy.upstream = float(sys.argv[2]), sys.argv[3]
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Busy).serve_forever()
