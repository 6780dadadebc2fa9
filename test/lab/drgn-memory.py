"""Asks drgn about addresses: drgn -c DUMP -s VMLINUX drgn-memory.py PID USER_ADDRESS ADDRESS..."""

import json
import sys

from drgn import cast
from drgn.helpers.linux.mm import follow_phys, page_to_virt, virt_to_page
from drgn.helpers.linux.pid import find_task
from drgn.helpers.linux.slab import slab_object_info

pid, user, *addresses = sys.argv[1:]
rows = []
for text in addresses:
    address = int(text, 16)
    found = slab_object_info(prog, address)
    if found is not None:
        # Behind the last object of a slab drgn counts on.
        start = page_to_virt(cast("struct page *", found.slab)).value_()
        if (found.address - start) // found.slab_cache.size.value_() >= found.slab.objects.value_():
            found = None
    rows.append(
        {
            "physical": hex(follow_phys(prog["init_mm"].address_of_(), address).value_()),
            "page": hex(virt_to_page(prog, address).value_()),
            "cache": found and found.slab_cache.name.string_().decode(),
            "object": found and hex(found.address),
            "allocated": found and found.allocated,
        }
    )
mm = find_task(prog, int(pid)).mm
print(json.dumps({"user": hex(follow_phys(mm, int(user, 16)).value_()), "rows": rows}))
