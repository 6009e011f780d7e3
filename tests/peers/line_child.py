"""A child that reads a request a line and does as its body says.

An answer is the body as it came, unless the body is one of:
show          answers with the whole request
hold          does not answer
release       answers those that are held, the last one first, then itself
pid           answers with its process group
exit STATUS   ends without an answer
error JSON    answers with this error
answer JSON   adds these members to the answer, and has no body
print LINE    writes the line, then answers
say TEXT      writes the text to stderr, then answers
raw BYTES     answers with these members, in Latin-1, \\xNN for a byte
number        answers with a number as id, behind a byte order mark
stream N      answers with so many items, tells progress, then the end
endless       answers with items until the request is canceled
flood BYTES   writes a line of so many bytes that has no end
"""
import json
import os
import sys
import threading

canceled = set()
# print() writes a line and its end apart: two threads would mix theirs.
writing = threading.Lock()


def send(request, **members):
    with writing:
        print(json.dumps({"id": request["id"], **members}), flush=True)


def endless(request):
    while request["id"] not in canceled:
        send(request, item="x" * 1000)
    print("canceled", file=sys.stderr, flush=True)


def main():
    held = []
    for line in sys.stdin:
        request = json.loads(line)
        if request.get("cancel"):
            canceled.add(request["id"])
            continue
        word, _, rest = request.get("body", "").partition(" ")
        if word == "show":
            send(request, body=json.dumps(request))
        elif word == "hold":
            held.append(request)
        elif word == "release":
            for other in reversed(held):
                send(other, body="released")
            held = []
            send(request, body="done")
        elif word == "pid":
            send(request, body=str(os.getpgid(0)))
        elif word == "exit":
            sys.exit(int(rest))
        elif word == "error":
            send(request, error=json.loads(rest))
        elif word == "answer":
            send(request, **json.loads(rest))
        elif word == "print":
            print(rest)
            send(request, body="done")
        elif word == "say":
            print(rest, file=sys.stderr, flush=True)
            send(request, body="done")
        elif word == "raw":
            members = rest.replace("\\xff", "\xff").encode("latin-1")
            head = b'{"id": "%s", ' % request["id"].encode()
            end = b"}\n" if members.count(b'"') % 2 == 0 else b"\n"
            sys.stdout.buffer.write(head + members + end)
            sys.stdout.flush()
        elif word == "number":
            answer = {"id": int(request["id"]), "body": "by number"}
            print("\ufeff" + json.dumps(answer), flush=True)
        elif word == "stream":
            for n in range(int(rest)):
                send(request, progress={"done": n + 1, "total": int(rest)})
                send(request, item={"n": n})
            send(request, end=True)
        elif word == "endless":
            threading.Thread(
                target=endless, args=[request], daemon=True
            ).start()
        elif word == "flood":
            print("x" * int(rest), end="", flush=True)
        elif "body" in request:
            send(request, body=request["body"])
        else:
            send(request, body_base64=request["body_base64"])


main()
