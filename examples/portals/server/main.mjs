#!/usr/bin/env node
// Starts the three portals beside a Callboard that runs. run.sh starts both.
import { hostPort, portals, sampleSecret } from './portals.mjs';
import { startPortal } from './portal.mjs';

const host = `http://localhost:${process.env.CALLBOARD_PORT ?? hostPort}`;
const secret = process.env.PORTALS_SECRET ?? sampleSecret;

for (const { variable, port, ...portal } of portals) {
  const { title, origin } = await startPortal({ ...portal, host, secret, port: Number(process.env[variable] ?? port) });
  console.log(`${title.padEnd(14)} ${origin}`);
}
