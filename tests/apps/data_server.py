"""Archives and a server of them on loopback, for data_command_test.cpp.

python3 data_server.py FOLDER writes archives to FOLDER, their MD5 sums to FOLDER/sums (a line each: name sum) and the
port it listens on to FOLDER/port, and appends a line to FOLDER/requests for each request. It ends when its standard
input does. Addresses: /NAME; /half/NAME ends the connection midway; /stall/NAME sends half and no more; /whole/NAME
knows of no ranges; /endless never ends.
"""

import hashlib
import http.server
import io
import os
import sys
import tarfile
import threading
import time
import zipfile

folder = sys.argv[1]


def record(label):
    return bytes([label]) + os.urandom(3072)  # does not compress, so that half of the archive is half of the data


FILES = {f"data_batch_{i}.bin": record(i) * 2 + record(0) for i in range(1, 6)}
FILES["test_batch.bin"] = record(9)


def entry(name, content=b"", **attributes):
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in attributes.items():
        setattr(info, key, value)
    return info, io.BytesIO(content)


def write_tar(name, entries):
    with tarfile.open(os.path.join(folder, name), "w:gz", compresslevel=1) as archive:
        for info, content in entries:
            archive.addfile(info, content)


good = [entry(f"cifar-10-batches-bin/{name}", content) for name, content in FILES.items()]
write_tar("good.tar.gz", good)
write_tar("other.tar.gz", [entry("something/else.txt", b"text")])
write_tar("climb.tar.gz", [entry("cifar-10-batches-bin/../../evil.txt", b"evil")])
write_tar("absolute.tar.gz", [entry("/tmp/fqt-evil.txt", b"evil")])
write_tar("link.tar.gz", [entry("cifar-10-batches-bin", type=tarfile.SYMTYPE, linkname="/tmp")])
write_tar("hard.tar.gz", [entry("cifar-10-batches-bin/a", type=tarfile.LNKTYPE, linkname="/etc/passwd")])
write_tar("bomb.tar.gz", [entry("wikitext-2/zeros.bin", bytes(51_000_000))])
with zipfile.ZipFile(os.path.join(folder, "good.zip"), "w") as archive:
    for split in ("train", "valid", "test"):
        archive.writestr(f"wikitext-2/wiki.{split}.tokens", " = A title = \n\n words of text \n")
with open(os.path.join(folder, "good.tar.gz"), "rb") as stream:
    whole = stream.read()
with open(os.path.join(folder, "cut.tar.gz"), "wb") as stream:
    stream.write(whole[: len(whole) // 2])
with open(os.path.join(folder, "sums"), "w") as sums:
    for name in sorted(os.listdir(folder)):
        if name.endswith((".gz", ".zip")):
            with open(os.path.join(folder, name), "rb") as stream:
                sums.write(f"{name} {hashlib.md5(stream.read()).hexdigest()}\n")


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked = self.headers.get("Range", "")
        with open(os.path.join(folder, "requests"), "a") as log:
            log.write(f"{self.path} {asked}\n")
        way, _, name = self.path[1:].rpartition("/")
        if name == "endless":
            self.send_response(200)
            self.end_headers()
            while True:
                self.wfile.write(bytes(1 << 20))
        path = os.path.join(folder, name)
        if not os.path.isfile(path):
            self.send_error(404)
            return
        with open(path, "rb") as stream:
            content = stream.read()
        begin = int(asked[len("bytes="):].split("-")[0]) if asked and way != "whole" else 0
        if begin >= len(content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - begin))
        self.end_headers()
        if way in ("half", "stall"):
            self.wfile.write(content[begin : (begin + len(content)) // 2])
            self.wfile.flush()
            if way == "stall":
                time.sleep(30)
            self.connection.close()
        else:
            self.wfile.write(content[begin:])

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
server.handle_error = lambda *_: None
threading.Thread(target=server.serve_forever, daemon=True).start()
with open(os.path.join(folder, "port.new"), "w") as stream:
    stream.write(str(server.server_address[1]))
os.rename(os.path.join(folder, "port.new"), os.path.join(folder, "port"))
sys.stdin.read()
os._exit(0)
