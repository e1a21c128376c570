// What the test needs beside Callboard and the stock backend: something to record, something to be Jenkins.
import http from 'node:http';

async function listen(handler) {
  const server = http.createServer(handler);
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return {
    base: `http://127.0.0.1:${server.address().port}`,
    stop: () => new Promise(resolve => (server.close(resolve), server.closeAllConnections())),
  };
}

// Passes everything on to `to` and remembers it: {method, url, authorization, status}.
export async function recorder(to) {
  const calls = [];
  const served = await listen((request, response) => {
    const call = { method: request.method, url: request.url, authorization: request.headers.authorization };
    const onward = http.request(to + request.url, { method: request.method, headers: request.headers, agent: false }, answer => {
      call.status = answer.statusCode;
      calls.push(call);
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', error => {
      calls.push({ ...call, status: 502 });
      response.writeHead(502).end(String(error));
    });
    request.pipe(onward);
  });
  return { ...served, calls, take: () => calls.splice(0) };
}

// One job with one build, for whoever knows the password; rebuilds are counted.
export async function jenkins(user, key) {
  const seen = { rebuilds: 0 };
  const job = {
    name: 'build', fullName: 'shop/build', url: 'http://jenkins.invalid/job/shop/job/build/', displayName: 'build', fullDisplayName: 'shop » build',
    inQueue: false, actions: [], lastBuild: { number: 7, url: 'http://jenkins.invalid/7', building: false, result: 'SUCCESS', actions: [], timestamp: 0, duration: 1 },
  };
  const served = await listen((request, response) => {
    const json = (status, value) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    if (request.headers.authorization !== `Basic ${Buffer.from(`${user}:${key}`).toString('base64')}`) return json(401, {});
    if (request.url.endsWith('/replay/rebuild')) {
      seen.rebuilds++;
      return json(201, {});
    }
    return json(200, request.url.includes('jobs') ? { jobs: [job] } : job);
  });
  return { ...served, seen };
}

// The parts of a JSON Web Token, unverified.
export function decode(token) {
  const [header, payload] = token.split('.').slice(0, 2).map(part => JSON.parse(Buffer.from(part, 'base64url').toString()));
  return { header, payload };
}
