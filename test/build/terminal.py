"""Run a program at a terminal: terminal.py SCRIPT PROGRAM ARGUMENT...

SCRIPT is JSON, a list of [pattern, text]: wait until the output since the last text matches, then
type the text. Prints all output. Exit code 3 where a pattern does not come.
"""
import json, os, pty, re, select, sys, time

steps = json.load(open(sys.argv[1]))
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
output = b""


def wait_for(pattern, seconds):
    global output
    start, end = len(output), time.time() + seconds
    while time.time() < end:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                data = os.read(terminal, 65536)
            except OSError:
                return False
            if not data:
                return False
            output += data
        if pattern is not None and re.search(pattern.encode(), output[start:]):
            time.sleep(0.2)
            return True
    return False


missed = None
for pattern, text in steps:
    if not wait_for(pattern, 20):
        missed = pattern
        break
    os.write(terminal, text.encode())
wait_for(None, 20 if missed is None else 1)
sys.stdout.buffer.write(output)
if missed is not None:
    print("\nnever came: " + missed)
    sys.exit(3)
