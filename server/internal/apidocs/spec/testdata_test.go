package spec

const shop = `openapi: 3.1.0
info: {title: Shop, version: "2", description: Orders of the *shop*.}
servers:
  - {url: "https://{region}.shop.example/v1", variables: {region: {default: eu}}}
tags:
  - {name: orders, description: What people buy}
security: [{key: []}]
paths:
  /orders/{id}:
    parameters:
      - {name: id, in: path, required: true, schema: {type: string, format: uuid}, example: o-1}
      - {name: trace, in: header, schema: {type: string}}
    get:
      operationId: getOrder
      summary: One order
      tags: [orders]
      parameters:
        - {name: trace, in: header, required: true, schema: {type: string, default: none}}
      responses:
        "200": {description: It, content: {application/json: {schema: {$ref: "#/components/schemas/Order"}}}}
        "404": {$ref: "#/components/responses/Missing"}
    put:
      summary: Change it
      tags: [orders]
      deprecated: true
      security: []
      requestBody: {required: true, content: {application/json: {schema: {$ref: "#/components/schemas/Order"}}}}
      responses: {"204": {description: Done}}
  /health:
    get: {responses: {"200": {description: Well}}}
  /elsewhere: {$ref: "https://other.example/paths.yaml#/x"}
webhooks:
  shipped: {post: {summary: An order is on its way, responses: {"200": {description: Heard}}}}
components:
  securitySchemes: {key: {type: apiKey, in: header, name: X-Key}}
  responses: {Missing: {description: There is none}}
  schemas:
    Base: {type: object, required: [id], properties: {id: {type: string, readOnly: true}, at: {type: string, format: date-time}}}
    Order:
      description: What somebody buys.
      allOf:
        - $ref: "#/components/schemas/Base"
        - type: object
          required: [lines]
          properties:
            lines:
              type: array
              minItems: 1
              items: {type: object, properties: {sku: {type: string, pattern: "^[A-Z]+$"}, count: {type: integer, minimum: 1}}}
            parent: {$ref: "#/components/schemas/Order"}
            state: {type: [string, "null"], enum: [open, sent, null]}
            pay: {oneOf: [{$ref: "#/components/schemas/Card"}, {type: string}]}
            meta: {$ref: "other.yaml#/Meta"}
    Card: {type: object, properties: {number: {type: string}}, additionalProperties: false}
`

const legacy = `{"swagger":"2.0","info":{"title":"Legacy","version":"1"},"host":"api.example.com","basePath":"/v1","schemes":["http","https"],
"consumes":["application/json"],"produces":["application/json","application/xml"],"securityDefinitions":{"basic":{"type":"basic"}},
"paths":{"/users":{"post":{"operationId":"create user","security":[{"basic":[]}],"parameters":[{"name":"user","in":"body","required":true,"schema":{"$ref":"#/definitions/User"}}],
"responses":{"200":{"description":"ok","schema":{"$ref":"#/definitions/User"},"examples":{"application/json":{"name":"Ann"}}}}}},
"/upload":{"post":{"consumes":["multipart/form-data"],"parameters":[{"$ref":"#/parameters/dry"},{"name":"file","in":"formData","type":"file","required":true}],"responses":{"200":{"description":"ok"}}}}},
"parameters":{"dry":{"name":"dry","in":"query","type":"boolean","required":true}},
"definitions":{"User":{"type":"object","properties":{"name":{"type":"string"},"friends":{"type":"array","items":{"$ref":"#/definitions/User"}}}}}}`

const events2 = `asyncapi: 2.6.0
info: {title: Events, version: "1"}
servers: {main: {url: "broker.example:9092", protocol: kafka}}
channels:
  orders/{region}:
    parameters: {region: {schema: {type: string}, description: Where}}
    subscribe: {operationId: onOrder, summary: An order came, message: {$ref: "#/components/messages/Order"}}
    publish: {message: {oneOf: [{name: a, payload: {type: string}}, {name: b, schemaFormat: "application/vnd.apache.avro;version=1.9.0", payload: {type: record, name: B}}]}}
components:
  messages: {Order: {name: order, contentType: application/json, headers: {type: object, properties: {id: {type: string}}}, payload: {$ref: "#/components/schemas/Order"}}}
  schemas: {Order: {type: object, properties: {id: {type: string}}}}
`

const events3 = `asyncapi: 3.0.0
info: {title: Events, version: "1"}
servers: {main: {host: "broker.example", pathname: /x, protocol: amqp}}
channels:
  orders: {address: "orders.{region}", messages: {order: {payload: {schemaFormat: application/schema+json, schema: {type: object, properties: {id: {type: string}}}}}}}
operations:
  onOrder: {action: receive, title: An order came, channel: {$ref: "#/channels/orders"}, messages: [{$ref: "#/channels/orders/messages/order"}]}
  tell: {action: send, channel: {$ref: "#/channels/orders"}}
`
