#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes networks.txt: what Python's ipaddress says of networks and addresses.

Where we differ on purpose the case is left out or translated: a v4-mapped address or network is the
IPv4 one; a zone, a netmask in place of a prefix and a prefix with a zero in front are no networks.
"""
import ipaddress
import random

CASES = 10000


def plain(address):
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped if mapped is not None else address


def network_of(text):
    """The network that Python sees, IPv4 when it is v4-mapped; None when it is none for us."""
    prefix = text.partition("/")[2]
    if "%" in text or (prefix and not prefix.isdigit()) or (len(prefix) > 1 and prefix[0] == "0"):
        return None
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        return None
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is not None and network.prefixlen >= 96:
        return ipaddress.ip_network((mapped, network.prefixlen - 96))
    return network


def random_address(numbers):
    kind = numbers.random()
    four = ipaddress.IPv4Address(numbers.getrandbits(32))
    if kind < 0.4:
        return str(four)
    if kind < 0.6:
        return f"::ffff:{four}"
    return str(ipaddress.IPv6Address(numbers.getrandbits(128)))


def random_network(numbers, address):
    """Mostly one that the address may be in, sometimes one that is none."""
    bits = 128 if ":" in address else 32
    length = numbers.randint(0, bits)
    if bits == 128 and address.startswith("::ffff:"):
        length = numbers.randint(90, 128)
    if numbers.random() < 0.15:
        return f"{address}/{length}"
    base = ipaddress.ip_network(f"{address}/{length}", strict=False)
    text = str(base)
    kind = numbers.random()
    if kind < 0.1:
        return str(base.network_address)
    if kind < 0.2:
        return text + numbers.choice("0123456789x/ %.:".replace(" ", ""))
    if kind < 0.25:
        return text.replace("/", "/0")
    if kind < 0.3:
        return text.replace(numbers.choice(text), "", 1) or "/"
    return text


def near(numbers, address):
    """The address, or one with a bit turned."""
    parsed = plain(ipaddress.ip_address(address))
    bits = parsed.max_prefixlen
    if numbers.random() < 0.5:
        parsed = type(parsed)(int(parsed) ^ 1 << numbers.randrange(bits))
    if bits == 32 and numbers.random() < 0.3:
        return f"::ffff:{parsed}"
    return str(parsed)


def main():
    numbers = random.Random(20261120)
    for _ in range(CASES):
        address = random_address(numbers)
        network_text = random_network(numbers, address)
        address = near(numbers, address) if numbers.random() < 0.8 else random_address(numbers)
        network = network_of(network_text)
        if network is None:
            answer = "invalid"
        else:
            answer = "inside" if plain(ipaddress.ip_address(address)) in network else "outside"
        print(network_text, address, answer)


if __name__ == "__main__":
    main()
