"""oci_image.py DIRECTORY LAYER...: an image of these layers, which are archives, as the OCI image layout has it."""

import hashlib
import json
import os
import sys

top, layers = sys.argv[1], sys.argv[2:]
os.makedirs(top + "/blobs/sha256")


def blob(kind, data):
    digest = hashlib.sha256(data).hexdigest()
    with open(f"{top}/blobs/sha256/{digest}", "wb") as file:
        file.write(data)
    return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": "sha256:" + digest, "size": len(data)}


def text(kind, value):
    return blob(kind, json.dumps(value).encode())


described = [blob("layer.v1.tar", open(layer, "rb").read()) for layer in layers]
root = {"type": "layers", "diff_ids": [layer["digest"] for layer in described]}
config = text("config.v1+json", {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": root})
manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config, "layers": described}
index = {"schemaVersion": 2, "manifests": [text("manifest.v1+json", manifest)]}
for name, value in [("oci-layout", {"imageLayoutVersion": "1.0.0"}), ("index.json", index)]:
    with open(f"{top}/{name}", "w") as file:
        json.dump(value, file)
