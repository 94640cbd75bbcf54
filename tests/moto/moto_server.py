"""moto's server, as the tests start it: an AWS endpoint in one process, in memory.

    moto_server.py [--host 127.0.0.1] [--port 0] [--keep] [--patch FILE]

Prints `ready http://HOST:PORT` once it listens; port 0 takes a free one. It ends when its standard input does, so that
no server outlives the test that started it, however that ends; `--keep` leaves it running without one.

moto's application is used as it is, but for the tags of launch templates, which moto never shows anew. Only CloudWatch
needs help: the AWS SDK for Rust speaks Smithy RPC v2 CBOR to it,
which moto does not know. Such calls are handed on as AWS JSON 1.0, which moto does know, and the answers are encoded
back, with the timestamps that the service's model says are timestamps.

Other clients need more of AWS than moto has. `--patch FILE` runs a Python program first, which may change moto for them,
and lets IAM know the policies that AWS manages.
"""

import argparse
import io
import json
import os
import runpy
import sys
import threading
from datetime import datetime, timezone

import botocore.session
import cbor2
from moto.ec2.models.launch_templates import LaunchTemplate
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

SERVICE = "GraniteServiceVersion20100801"
PREFIX = f"/service/{SERVICE}/operation/"
MODEL = botocore.session.get_session().get_service_model("cloudwatch")


def show_tags_of_launch_templates():
    """moto shows the tags that a launch template was made with; EC2 shows those that it has."""
    LaunchTemplate.tags = property(lambda template: template.get_tags(), lambda template, made_with: None)


class CborCloudWatch:
    """Hands CBOR calls of CloudWatch on to moto as JSON."""

    def __init__(self, app):
        self.app = app

    def __call__(self, environ, start_response):
        path = environ.get("PATH_INFO", "")
        if environ.get("REQUEST_METHOD") != "POST" or not path.startswith(PREFIX):
            return self.app(environ, start_response)
        operation = path[len(PREFIX) :]
        status, body = self.as_json(environ, operation)
        answer = encode(json.loads(body or b"{}"), MODEL.operation_model(operation).output_shape, status)
        headers = [("Content-Type", "application/cbor"), ("Content-Length", str(len(answer)))]
        start_response(status, headers + [("smithy-protocol", "rpc-v2-cbor")])
        return [answer]

    def as_json(self, environ, operation):
        length = int(environ.get("CONTENT_LENGTH") or 0)
        request = cbor2.loads(environ["wsgi.input"].read(length) or b"\xa0")
        body = json.dumps(request, default=seconds).encode()
        inner = dict(environ, PATH_INFO="/", RAW_URI="/", REQUEST_URI="/", CONTENT_LENGTH=str(len(body)))
        inner.update({"wsgi.input": io.BytesIO(body), "CONTENT_TYPE": "application/x-amz-json-1.0"})
        inner.pop("HTTP_SMITHY_PROTOCOL", None)
        inner.pop("HTTP_CONTENT_ENCODING", None)
        inner["HTTP_X_AMZ_TARGET"] = f"{SERVICE}.{operation}"
        inner["HTTP_ACCEPT"] = "application/json"
        seen = {}

        def start(status, headers, exc_info=None):
            seen["status"] = status

        body = b"".join(self.app(inner, start))
        return seen["status"], body


def seconds(value):
    """CBOR's timestamps become JSON's seconds."""
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(f"{type(value)} has no place in a request")


def encode(answer, shape, status):
    """JSON to CBOR. An answer is shaped by the model; an error is handed on as it is."""
    shaped = answer if shape is None or not status.startswith("2") else convert(answer, shape)
    return cbor2.dumps(shaped, timezone=timezone.utc)


def convert(value, shape):
    if value is None:
        return None
    if shape.type_name == "structure":
        known = {key: item for key, item in value.items() if key in shape.members}
        return {key: convert(item, shape.members[key]) for key, item in known.items()}
    if shape.type_name == "list":
        return [convert(item, shape.member) for item in value]
    if shape.type_name == "map":
        return {key: convert(item, shape.value) for key, item in value.items()}
    if shape.type_name == "timestamp":
        return cbor2.CBORTag(1, value)
    if shape.type_name in ("double", "float"):
        return float(value)
    return value


def end_with_standard_input():
    sys.stdin.buffer.read()
    os._exit(0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--keep", action="store_true", help="do not end with standard input")
    parser.add_argument("--patch", metavar="FILE", help="a program to run first, which changes moto")
    arguments = parser.parse_args()
    if arguments.patch:
        os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
        runpy.run_path(arguments.patch)
    show_tags_of_launch_templates()
    app = CborCloudWatch(DomainDispatcherApplication(create_backend_app))
    server = make_server(arguments.host, arguments.port, app, threaded=True)
    if not arguments.keep:
        threading.Thread(target=end_with_standard_input, daemon=True).start()
    print(f"ready http://{arguments.host}:{server.port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
