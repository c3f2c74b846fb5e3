"""A User's client of the DCO in another language, made from the proto files alone.

Opens a transfer, streams its blocks in an order of its own over two calls, waits until the image is STORED, submits a batch and
waits for its outcome. Prints one JSON object on the last line.
"""

import argparse
import hashlib
import importlib
import json
import pathlib
import random
import struct
import sys
import tempfile
import threading
import uuid
import zlib

import grpc
import grpc_tools
from google.protobuf import any_pb2
from grpc_tools import protoc

BLOCK_BYTES = 16 * 1024
DEADLINE_SECONDS = 60


def generate(proto, into):
    """Makes the stubs from the proto files and imports them."""
    files = sorted(str(path) for path in pathlib.Path(proto).glob("dco/v1/*.proto"))
    well_known = pathlib.Path(grpc_tools.__file__).parent / "_proto"
    code = protoc.main(
        ["protoc", f"-I{proto}", f"-I{well_known}", f"--python_out={into}", f"--grpc_python_out={into}"] + files
    )
    if code != 0:
        sys.exit(f"protoc ended with {code}")
    sys.path.insert(0, into)
    names = ["common_pb2", "update_firmware_pb2", "update_firmware_pb2_grpc", "activate_firmware_pb2", "activate_firmware_pb2_grpc"]
    return {name: importlib.import_module(f"dco.v1.{name}") for name in names}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--proto", required=True)
    parser.add_argument("--server", required=True)
    parser.add_argument("--as", dest="party", required=True)
    parser.add_argument("--user", required=True)
    parser.add_argument("--image", required=True)
    parser.add_argument("devices", nargs="+")
    return parser.parse_args()


def connect(server, party):
    """A channel with the party's certificate, as `dco pki` lays it down."""
    party = pathlib.Path(party)
    credentials = grpc.ssl_channel_credentials(
        root_certificates=(party.parent / "ca.pem").read_bytes(),
        private_key=party.with_name(party.name + ".key").read_bytes(),
        certificate_chain=party.with_name(party.name + ".pem").read_bytes(),
    )
    options = [("grpc.ssl_target_name_override", "localhost")]
    return grpc.secure_channel(server, credentials, options)


def manifest_of(common, image):
    """Reads the Zigbee OTA header: its length at octet 6, the file version at 14, the signature's mark at the end."""
    (header_bytes,) = struct.unpack_from("<H", image, 6)
    (version,) = struct.unpack_from("<I", image, 14)
    signed = image[-66:-64] == b"\x00\x40"
    manufacturer_image = image[header_bytes:-66] if signed else image[header_bytes:]
    return common.Manifest(
        image_id=hashlib.sha256(image).digest(),
        image_bytes=len(image),
        block_bytes=BLOCK_BYTES,
        manufacturer_image_hash=hashlib.sha256(manufacturer_image).digest(),
        firmware_version=f"{version:08X}",
        ota_header=image[:header_bytes],
    )


def ranges(found):
    return {index for it in found for index in range(it.first, it.last + 1)}


class Transfers:
    """SRV 11.1."""

    def __init__(self, stubs, channel, user):
        self.common = stubs["common_pb2"]
        self.messages = stubs["update_firmware_pb2"]
        self.stub = stubs["update_firmware_pb2_grpc"].UpdateFirmwareStub(channel)
        self.parent = f"users/{user}"

    def open(self, manifest, devices):
        request = self.messages.OpenTransferRequest(
            parent=self.parent, request_id=str(uuid.uuid4()), manifest=manifest, devices=devices
        )
        return self.stub.OpenTransfer(request, timeout=DEADLINE_SECONDS)

    def send(self, name, image, indices, bad_crc=False):
        """Streams blocks; gives what was acknowledged and refused."""

        def requests():
            yield self.messages.SendBlocksRequest(transfer=name)
            for index in indices:
                data = image[index * BLOCK_BYTES : (index + 1) * BLOCK_BYTES]
                crc32 = zlib.crc32(data) ^ (1 if bad_crc else 0)
                block = self.common.Block(index=index, crc32=crc32, data=data)
                yield self.messages.SendBlocksRequest(block=block)

        acknowledged, refused = set(), []
        for answer in self.stub.SendBlocks(requests(), timeout=DEADLINE_SECONDS):
            acknowledged |= ranges(answer.acknowledged)
            refused += answer.refused
        return acknowledged, refused

    def send_all(self, transfer, image):
        """All blocks, mixed, in two calls side by side."""
        indices = list(range(transfer.block_count))
        random.Random(7).shuffle(indices)
        acknowledged = set()

        def half(part):
            done, refused = self.send(transfer.name, image, part)
            assert not refused, refused
            acknowledged.update(done)

        middle = len(indices) // 2
        threads = [threading.Thread(target=half, args=(part,)) for part in (indices[:middle], indices[middle:])]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return acknowledged

    def settled(self, name):
        request = self.messages.WatchTransferRequest(name=name)
        return list(self.stub.WatchTransfer(request, timeout=DEADLINE_SECONDS))[-1]


class Batches:
    """SRV 11.3."""

    def __init__(self, stubs, channel, user):
        self.messages = stubs["activate_firmware_pb2"]
        self.stub = stubs["activate_firmware_pb2_grpc"].ActivateFirmwareStub(channel)
        self.parent = f"users/{user}"

    def submit(self, manufacturer_image_hash, devices):
        request = self.messages.SubmitBatchRequest(
            parent=self.parent,
            request_id=str(uuid.uuid4()),
            manufacturer_image_hash=manufacturer_image_hash,
            devices=devices,
        )
        return self.stub.SubmitBatch(request, timeout=DEADLINE_SECONDS)

    def settled(self, name):
        """Follows the change feed to its end; gives the batch and the last word on each activation."""
        activations, batch = {}, None
        request = self.messages.WatchBatchRequest(name=name)
        for change in self.stub.WatchBatch(request, timeout=DEADLINE_SECONDS):
            activations.update({it.device: it for it in change.activations})
            batch = change.batch if change.HasField("batch") else batch
        return batch, activations


def error_info(error):
    """google.rpc.ErrorInfo of a refusal: reason in field 1, domain in field 2. Read by hand, as any client could."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            return texts(first_detail(value))
    return {}


def fields(octets):
    """Field numbers and contents of the length-delimited fields of a message."""
    at = 0
    while at < len(octets):
        tag, at = varint(octets, at)
        if tag & 7 == 0:
            _, at = varint(octets, at)
            continue
        length, at = varint(octets, at)
        yield tag >> 3, octets[at : at + length]
        at += length


def varint(octets, at):
    value, shift = 0, 0
    while True:
        value |= (octets[at] & 0x7F) << shift
        shift += 7
        at += 1
        if octets[at - 1] < 0x80:
            return value, at


def first_detail(status):
    """google.rpc.Status has its details in field 3; the first is the ErrorInfo."""
    detail = any_pb2.Any.FromString(next(octets for number, octets in fields(status) if number == 3))
    assert detail.type_url.endswith("google.rpc.ErrorInfo"), detail.type_url
    return detail.value


def texts(info):
    found = {number: octets for number, octets in fields(info) if number in (1, 2)}
    return {"reason": found[1].decode(), "domain": found[2].decode()}


def main():
    asked = arguments()
    image = pathlib.Path(asked.image).read_bytes()
    with tempfile.TemporaryDirectory() as into, connect(asked.server, asked.party) as channel:
        stubs = generate(asked.proto, into)
        manifest = manifest_of(stubs["common_pb2"], image)
        transfers = Transfers(stubs, channel, asked.user)
        opened = transfers.open(manifest, asked.devices)
        _, refused = transfers.send(opened.name, image, [0], bad_crc=True)
        acknowledged = transfers.send_all(opened, image)
        stored = transfers.settled(opened.name)

        batches = Batches(stubs, channel, asked.user)
        refusal = {}
        try:
            batches.submit(bytes(32), asked.devices)
        except grpc.RpcError as error:
            refusal = {"code": error.code().name, **error_info(error)}
        submitted = batches.submit(manifest.manufacturer_image_hash, asked.devices)
        batch, activations = batches.settled(submitted.name)

        update = stubs["update_firmware_pb2"]
        told = {
            "transfer": {
                "name": stored.name,
                "state": update.Transfer.State.Name(stored.state),
                "response_code": stored.response.response_code,
                "acknowledged": len(acknowledged),
            },
            "refused_block": {"index": refused[0].index, "reason": refused[0].reason},
            "batch": {
                "name": batch.name,
                "counts": {"succeeded": batch.counts.succeeded, "failed": batch.counts.failed},
                "device_image_hashes": sorted({it.device_image_hash.hex() for it in activations.values()}),
            },
            "refusal": refusal,
        }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
