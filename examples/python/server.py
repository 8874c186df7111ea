"""A shop with three items. It listens on 127.0.0.1:$PORT and logs one line per request."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ITEMS = [{"id": 1, "name": "lamp"}, {"id": 2, "name": "chair"}, {"id": 3, "name": "table"}]
RESPONSES = {
    "GET /health": (200, {"status": "ok"}),
    "GET /items": (200, ITEMS),
    "POST /orders": (201, {"id": 1}),
} | {f"GET /items/{item['id']}": (200, item) for item in ITEMS}


class Handler(BaseHTTPRequestHandler):
    # Keeps connections open, and sends the head and the body without delay.
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def respond(self):
        line = f"{self.command} {self.path}"
        # One write, so that lines of several threads do not mix.
        print(line + "\n", end="", flush=True)
        self.rfile.read(int(self.headers.get("content-length", 0)))
        status, value = RESPONSES.get(line, (404, {"error": "not found"}))
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = respond

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128


if __name__ == "__main__":
    Server(("127.0.0.1", int(os.environ.get("PORT", "3000"))), Handler).serve_forever()
