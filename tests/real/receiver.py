"""A receiver of OpenLineage events on 127.0.0.1: usage: receiver.py DIR [STATUS]

Writes its port to DIR/port, each event as a line to DIR/events, and the authorization of each request to DIR/keys.
Answers with STATUS, 201 if none is given; `hang` never answers.
"""

import http.server
import pathlib
import sys
import time

place = pathlib.Path(sys.argv[1])
status = sys.argv[2] if len(sys.argv) > 2 else "201"


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with open(place / "events", "ab") as events:
            events.write(body.replace(b"\n", b"") + b"\n")
        with open(place / "keys", "a") as keys:
            print(self.path, self.headers.get("Authorization"), file=keys)
        if status == "hang":
            time.sleep(120)
        self.send_response(int(status))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True


server = Server(("127.0.0.1", 0), Receiver)
(place / "port.new").write_text(str(server.server_port))
(place / "port.new").rename(place / "port")
server.serve_forever()
