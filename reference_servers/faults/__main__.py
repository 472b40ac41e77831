"""Print the table of faults: `python -m reference_servers.faults`."""

from reference_servers.faults import FAULTS

if __name__ == "__main__":
    for name, fault in FAULTS.items():
        print(f"{name:34} {fault.server:22} {fault.does}")
