"""A proxy that is cut off at one call: that call reaches the server, its answer and all further calls are lost.

usage: cutting_proxy.py PORT UPSTREAM_PORT

`POST /cut/N` has the Nth call from now on be the one (0: none); `GET /calls` tells how many calls there were since.
"""

import http.client
import http.server
import sys
import threading

PORT, UPSTREAM = int(sys.argv[1]), int(sys.argv[2])
LOCK = threading.Lock()
STATE = {"calls": 0, "cut": 0}


class Proxy(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def control(self):
        if self.path.startswith("/cut/"):
            STATE.update(calls=0, cut=int(self.path[len("/cut/"):]))
        body = str(STATE["calls"]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def forward(self):
        if self.path == "/calls" or self.path.startswith("/cut/"):
            return self.control()
        with LOCK:
            STATE["calls"] += 1
            call, cut = STATE["calls"], STATE["cut"]
        if cut and call > cut:
            self.close_connection = True
            return None
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        upstream = http.client.HTTPConnection("127.0.0.1", UPSTREAM, timeout=120)
        headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
        upstream.request(self.command, self.path, body, headers)
        answer = upstream.getresponse()
        content = answer.read()
        upstream.close()
        if cut and call == cut:
            self.close_connection = True
            return None
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "content-length", "date", "server"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        return None

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = forward


http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Proxy).serve_forever()
