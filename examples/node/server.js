// A shop with three items. It listens on 127.0.0.1:$PORT and logs one line per request.
"use strict";
const http = require("node:http");

const items = [
  { id: 1, name: "lamp" },
  { id: 2, name: "chair" },
  { id: 3, name: "table" },
];

function respond(method, path) {
  if (method === "GET" && path === "/health") return [200, { status: "ok" }];
  if (method === "GET" && path === "/items") return [200, items];
  if (method === "POST" && path === "/orders") return [201, { id: 1 }];
  const item = items.find(({ id }) => path === `/items/${id}`);
  return method === "GET" && item ? [200, item] : [404, { error: "not found" }];
}

const server = http.createServer((request, response) => {
  console.log(`${request.method} ${request.url}`);
  request.resume().on("end", () => {
    const [status, body] = respond(request.method, request.url);
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  });
});
server.listen(Number(process.env.PORT ?? 3000), "127.0.0.1");
