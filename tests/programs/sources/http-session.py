# A client as those of requests are: one pool of kept connections, redirects, cookies, a body in chunks, compression, timeouts.
import gzip, http.client, http.cookiejar, http.server, socket, threading, urllib.error, urllib.request

peers = set()

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def log_message(self, *args): pass
    def answer(self, code, body=b'', **headers):
        peers.add(self.client_address[1])
        self.send_response(code)
        for name, value in headers.items(): self.send_header(name.replace('_', '-'), value)
        self.send_header('Content-Length', str(len(body))); self.end_headers(); self.wfile.write(body)
    def do_GET(self):
        if self.path == '/old': self.answer(302, Location='/new', Set_Cookie='taste=sweet')
        elif self.path == '/new': self.answer(200, self.headers.get('Cookie', 'none').encode())
        elif self.path == '/zip': self.answer(200, gzip.compress(b'z' * 100000), Content_Encoding='gzip')
        elif self.path == '/slow': threading.Event().wait(3); self.answer(200)
        else: self.answer(404, b'nothing')
    def do_POST(self):
        total = 0
        if self.headers.get('Transfer-Encoding') == 'chunked':
            while size := int(self.rfile.readline(), 16): total += len(self.rfile.read(size)); self.rfile.readline()
            self.rfile.readline()
        else: total = len(self.rfile.read(int(self.headers['Content-Length'])))
        self.answer(200, str(total).encode())

server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
base = 'http://127.0.0.1:%d' % server.server_port

opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
print(opener.open(base + '/old').read().decode())
peers.clear()
session = http.client.HTTPConnection('127.0.0.1', server.server_port)
for i in range(20):
    session.request('GET', '/zip'); answer = session.getresponse()
    assert gzip.decompress(answer.read()) == b'z' * 100000
session.request('POST', '/', body=(b'part' * 1000 for _ in range(50)), encode_chunked=True, headers={'Transfer-Encoding': 'chunked'})
print(session.getresponse().read().decode())
session.request('POST', '/', body=bytes(5 << 20)); print(session.getresponse().read().decode())
print(len(peers), 'connection')
try: urllib.request.urlopen(base + '/missing')
except urllib.error.HTTPError as error: print(error.code, error.read().decode())
try: urllib.request.urlopen(base + '/slow', timeout=0.3)
except (socket.timeout, urllib.error.URLError) as error: print(type(error).__name__)
server.shutdown(); server.server_close()
try: urllib.request.urlopen(base)
except urllib.error.URLError as error: print(error.reason.errno)
