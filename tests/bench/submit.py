"""Submits tasks one by one and prints how long they waited for their start, by the database's clock.

  submit.py HUB NUMBER      as admin, whose password is admin
"""

import random
import sys
import time

import koji


def wait_of_one(session):
    task = session.makeTask('sleep', [0])
    until = time.monotonic() + 60
    while time.monotonic() < until:
        info = session.getTaskInfo(task)
        if info['state'] == koji.TASK_STATES['CLOSED']:
            return info['start_ts'] - info['create_ts']
        time.sleep(0.02)
    sys.exit('task %d is still %s' % (task, koji.TASK_STATES[info['state']]))


def main():
    session = koji.ClientSession(sys.argv[1], {'user': 'admin', 'password': 'admin'})
    session.login()
    waits = []
    for _ in range(int(sys.argv[2])):
        time.sleep(random.uniform(0.02, 0.12))   # so that no poll is in step with us
        waits.append(wait_of_one(session))
    waits.sort()
    print('  '.join('%s %5.0f ms' % (name, 1000 * waits[int(share * (len(waits) - 1))])
                    for name, share in (('p50', 0.5), ('p90', 0.9), ('p99', 0.99), ('max', 1))))


main()
