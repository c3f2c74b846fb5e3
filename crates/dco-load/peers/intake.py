"""Sends images to a peer and prints millions of octets a second, from the first request to the last acknowledgement.

usage: intake.py put|tus|postgresql|nats WHERE IMAGES SENDERS IMAGE_BYTES

put and tus take a port of loopback, postgresql the folder of its socket, nats a port. Connections are made before the clock starts.
"""

import asyncio
import http.client
import multiprocessing
import os
import sys
import threading
import time


def image(number, octets):
    """An image like no other: its first octets are its own."""
    return os.urandom(16) + number.to_bytes(8, "big") + bytes(SHARED[: octets - 24])


SHARED = os.urandom(2_000_000)


def send_put(connection, number, content):
    connection.request("PUT", f"/{os.getpid()}-{number}", content)
    answer = connection.getresponse()
    answer.read()
    assert answer.status in (201, 204), answer.status


def send_tus(connection, number, content):
    connection.request("POST", "/files", headers={"Upload-Length": str(len(content)), "Tus-Resumable": "1.0.0"})
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 201, answer.status
    headers = {
        "Upload-Offset": "0",
        "Tus-Resumable": "1.0.0",
        "Content-Type": "application/offset+octet-stream",
    }
    connection.request("PATCH", answer.headers["Location"], content, headers)
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 204 and answer.headers["Upload-Offset"] == str(len(content)), answer.status


def send_row(connection, number, content):
    connection.execute("INSERT INTO image (content) VALUES (%b)", (content,), binary=True)


def connect(kind, where):
    if kind == "postgresql":
        import psycopg

        return psycopg.connect(f"host={where} user=postgres dbname=postgres", autocommit=True)
    connection = http.client.HTTPConnection("127.0.0.1", int(where))
    connection.connect()
    return connection


def by_threads(kind, where, numbers, senders, octets, ready):
    """Each sender has a connection, and takes the next image when it is done with one."""
    send = {"put": send_put, "tus": send_tus, "postgresql": send_row}[kind]
    connections = [connect(kind, where) for _ in range(senders)]
    contents = iter([(number, image(number, octets)) for number in numbers])
    lock = threading.Lock()
    failed = []

    def run(connection):
        try:
            while True:
                with lock:
                    number, content = next(contents, (None, None))
                if number is None:
                    return
                send(connection, number, content)
        except Exception as fault:
            failed.append(fault)

    threads = [threading.Thread(target=run, args=(it,)) for it in connections]
    ready.wait()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def by_nats(where, numbers, senders, octets, ready):
    import nats

    async def main():
        client = await nats.connect(f"nats://127.0.0.1:{where}")
        stream = client.jetstream()
        try:
            store = await stream.object_store("images")
        except Exception:
            store = await stream.create_object_store("images")
        contents = iter([(number, image(number, octets)) for number in numbers])
        ready.wait()

        async def run():
            for number, content in contents:
                await store.put(f"{os.getpid()}-{number}", content)

        await asyncio.gather(*(run() for _ in range(senders)))
        await client.close()

    asyncio.run(main())


def process(kind, where, numbers, senders, octets, ready):
    if kind == "nats":
        by_nats(where, numbers, senders, octets, ready)
    else:
        by_threads(kind, where, numbers, senders, octets, ready)


def main():
    kind, where = sys.argv[1:3]
    images, senders, octets = map(int, sys.argv[3:])
    processes = min(4, senders)
    ready = multiprocessing.Barrier(processes + 1, timeout=60)
    workers = [
        multiprocessing.Process(
            target=process,
            args=(kind, where, range(first, images, processes), senders // processes, octets, ready),
        )
        for first in range(processes)
    ]
    for worker in workers:
        worker.start()
    ready.wait()
    begin = time.monotonic()
    for worker in workers:
        worker.join()
    took = time.monotonic() - begin
    if any(worker.exitcode for worker in workers):
        sys.exit("a sender failed")
    print(f"{images * octets / took / 1e6:.1f}")


if __name__ == "__main__":
    main()
