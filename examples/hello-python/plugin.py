"""Hello from Python: one of everything that a plugin can add to Callboard."""

import json
import logging
import pathlib
import time

import callboard

schema = json.loads(pathlib.Path(__file__).with_name("settings.schema.json").read_text())
plugin = callboard.Plugin("hello-python", "0.1.0", title="Hello from Python", license="Apache-2.0", settings_schema=schema,
                          description="The smallest plugin that shows one of everything, in Python.")
log = logging.getLogger("hello")


def greet(name):
    return f"{plugin.settings.get('greeting', 'Hello')}, {name}!"


@plugin.validate
def validate(settings):
    if not settings.get("greeting", "Hello").strip():
        raise callboard.InputError("The greeting is blank.", path="/greeting", detail="Set a word, or leave it out for Hello.")


@plugin.route("GET /greeting/{name}")
def greeting(request):
    return {"greeting": greet(request.path["name"]), "principal": request.principal.subject}


@plugin.route("GET /health", unauthenticated=True)
def health(request):
    return {"status": "ok"}


@plugin.route("GET /ticks")
def ticks(request):
    """Server-sent events: a count, once a second, for a minute at most."""
    for count in range(int(request.query.get("count", ["60"])[0])):
        if count:
            time.sleep(1)
        yield {"tick": count}


@plugin.provider("greetings", interval=600)
def greetings():
    for name in ("hello", "world"):
        yield {
            "apiVersion": "backstage.io/v1alpha1",
            "kind": "Component",
            "metadata": {
                "name": f"python-{name}",
                "description": f"Provided by the plugin {plugin.id}",
                "annotations": {"hello.callboard.dev/greet": name},
            },
            "spec": {"type": "service", "lifecycle": "experimental", "owner": "group:default/greeters"},
        }


@plugin.processor("greeted", kinds=["component"])
def greeted(entity):
    annotations = entity.get("metadata", {}).get("annotations", {})
    if "hello.callboard.dev/greet" in annotations:
        annotations["hello.callboard.dev/greeted"] = greet(annotations["hello.callboard.dev/greet"])
    return entity


@plugin.action(
    "hello-python:greet",
    description="Greets somebody",
    input={"type": "object", "required": ["name"], "properties": {"name": {"type": "string", "minLength": 1}}},
    output={"type": "object", "properties": {"greeting": {"type": "string"}}},
    dry_run=True,
)
def greet_somebody(step):
    yield step.log(f"greeting {step.input['name']}")
    if step.dry_run:
        yield step.log("dry run: nobody hears it")
    else:
        log.info("greeted", extra={"fields": {"task": step.task_id}})
    yield step.output("greeting", greet(step.input["name"]))


@plugin.filter("pythonShout", description="Says it loudly", input={"type": "string"}, arguments=[{"type": "string"}], output={"type": "string"})
def shout(text, mark="!"):
    if not isinstance(text, str):
        raise callboard.InputError("Only a text can be shouted.")
    return text.upper() + mark


@plugin.widget("hello", title="Hello", view="stat", applies_to="*")
def hello(query):
    name = query.entity["metadata"]["name"] if query.entity else "world"
    return callboard.frame("hello", {"name": "greeting", "type": "string", "values": [greet(name)]})


if __name__ == "__main__":
    plugin.serve()
