"""Threads read documents of a kind at the same time, also the first ones of the process."""

import subprocess
import sys

FIRST_DOCUMENTS = """
import sys
import threading

import msgspec

from takeback.refund_providers.strict_json import DocumentReader

sys.setswitchinterval(1e-6)
BODY = b'{"refunds": [{"id": "r", "code": {"text": "late"}}], "code": {"text": "ok"}}'


def new_reader():
    class Code(msgspec.Struct):
        text: str

    class Refund(msgspec.Struct):
        id: str
        code: Code

    class Payment(msgspec.Struct):
        refunds: list[Refund]
        code: Code

    return DocumentReader(Payment)


def read(reader, barrier, texts):
    barrier.wait()
    texts.append(reader.read(BODY).refunds[0].code.text)


texts = []
for _ in range(20):
    reader, barrier = new_reader(), threading.Barrier(12)
    threads = [threading.Thread(target=read, args=(reader, barrier, texts)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
print(len(texts), set(texts))
"""


def test_threads_may_read_the_first_documents_of_a_process() -> None:
    """A type that several threads prepare crashes the process: it has a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", FIRST_DOCUMENTS], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "240 {'late'}\n"), done.stderr
