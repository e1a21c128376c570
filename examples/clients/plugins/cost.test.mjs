// What the cloud costs, by the API of the plugin cost and by those of other frontends that it answers: with the sample bills,
// which lie in a bucket, and with one that is uploaded.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { before, test } from 'node:test';
import { ask, base, get, guest } from './portal.mjs';

let token;
const cost = path => get(`cost/v1/${path}`, token);

// Decimal texts are added up exactly, in billionths of billionths.
const exact = text => {
  const [, sign, whole, part = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text);
  return BigInt(sign + whole + part.padEnd(18, '0'));
};
const sum = texts => texts.reduce((total, text) => total + exact(text), 0n);

before(async () => {
  token = await guest();
  for (const until = Date.now() + 30_000; ; ) {
    const bucket = (await cost('feeds')).feeds.find(feed => feed.place === 's3://marram-bills/');
    const done = (await cost('imports?limit=100')).imports.filter(one => one.origin === 's3' && one.state === 'done');
    if (bucket.files > 0 && done.length >= bucket.files) break;
    assert.ok(Date.now() < until, `${done.length} imports, ${JSON.stringify(bucket)}`);
    await new Promise(resolve => setTimeout(resolve, 200));
  }
});

test('each cloud delivers in a form and version of its own', async () => {
  const { imports } = await cost('imports?limit=100');
  const forms = new Set(imports.filter(one => one.origin === 's3').map(one => `${one.source} ${one.format} ${one.state} ${one.rejects}`));
  assert.deepEqual([...forms].sort(), ['aws csv.gz done 0', 'azure parquet done 0', 'google csv done 0']);
});

test('sums are the same however they are grouped', async () => {
  const range = 'from=2026-09-01&to=2026-11-01';
  const [together] = (await cost(`query?${range}&granularity=total`)).series;
  for (const groupBy of ['provider', 'service', 'tag:team', 'subAccountName,region']) {
    const { series, currency } = await cost(`query?${range}&granularity=monthly&limit=1000&groupBy=${groupBy}`);
    assert.equal(currency, 'EUR');
    assert.equal(sum(series.map(one => one.total)), exact(together.total), groupBy);
    for (const one of series) assert.equal(sum(one.points.map(([, amount]) => amount)), exact(one.total));
  }
});

test('an entity has its costs at a glance', async () => {
  const summary = await cost('entities/component/default/booking-service/summary');
  assert.equal(summary.currency, 'EUR');
  assert.deepEqual(summary.services.map(one => one.service), ['Amazon Elastic Compute Cloud', 'Elastic Load Balancing']);
  assert.equal(sum(summary.services.map(one => one.amount)), exact(summary.total));
  assert.equal(sum(summary.days.map(one => one.amount)), exact(summary.total));
});

test('what belongs to nobody is shown, and nothing is counted twice', async () => {
  const { total, accounts, unallocated } = await cost('allocation');
  assert.ok(accounts.some(({ entityRef }) => entityRef === 'component:default/booking-service'));
  assert.ok(exact(unallocated.amount) > 0n, 'tags are forgotten');
  assert.equal(sum([...accounts, unallocated].map(({ amount }) => amount)), exact(total));
});

test('anomalies and forecasts say by which method they were made', async () => {
  const { anomalies, method } = await cost('anomalies');
  assert.equal(method.name, 'median-mad-by-weekday');
  assert.ok(anomalies.some(({ keys }) => keys.service === 'BigQuery'), 'a cost of the sample gets out of hand');
  const { forecast } = await cost('forecast?days=30');
  assert.ok(forecast.method, JSON.stringify(Object.keys(forecast)));
});

const header = 'BilledCost,BillingAccountId,BillingCurrency,BillingPeriodEnd,BillingPeriodStart,ChargeCategory,ChargePeriodEnd,ChargePeriodStart,ContractedCost,EffectiveCost,ListCost,ProviderName,ServiceCategory,ServiceName,Tags';
const line = (amount, day) =>
  `${amount},quay-1,EUR,2026-11-01T00:00:00Z,2026-10-01T00:00:00Z,Usage,2026-10-${day + 1}T00:00:00Z,2026-10-${day}T00:00:00Z,${amount},${amount},${amount},Quay Hosting,Compute,Racks,"{""service"":""ticket-counter-classic""}"`;

async function upload(rows, run) {
  const response = await fetch(`${base}/api/cost/v1/imports/focus?source=quay-hosting&run=${run}`, { method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'text/csv' }, body: [header, ...rows].join('\n') + '\n' });
  return { status: response.status, body: await response.json() };
}

test('a bill is uploaded, once', async () => {
  const rows = Array.from({ length: 15 }, (_, i) => line('1.10', i + 10));
  const first = await upload(rows, 'october');
  assert.equal(first.status, 201, JSON.stringify(first.body));
  assert.equal(first.body.rows, 15);
  const query = `query?from=2026-10-01&to=2026-11-01&granularity=total&filter=${encodeURIComponent('provider=Quay Hosting')}`;
  assert.equal((await cost(query)).series[0].total, '16.5');
  const again = await upload(rows, 'october');
  assert.equal(again.body.changes[0].unchanged, true);
  assert.equal((await cost(query)).series[0].total, '16.5');
});

test('rows that break a rule are named by line, and a bill full of them changes nothing', async () => {
  const rows = Array.from({ length: 30 }, (_, i) => line(i < 20 ? 'NaN' : '1.10', (i % 18) + 10));
  const { status, body } = await upload(rows, 'broken');
  assert.equal(status, 400, JSON.stringify(body));
  const { imports } = await cost('imports?limit=1');
  assert.equal(imports[0].state, 'failed');
  const { rejectedRows } = await cost(`imports/${imports[0].id}?limit=2`);
  assert.equal(rejectedRows[0].line, 2);
  assert.match(rejectedRows[0].column, /Cost$/);
  assert.equal(rejectedRows[0].value, 'NaN');
});

test('budgets are kept, and say how they are doing', async () => {
  const budget = 'cost/v1/budgets/booking';
  const made = await ask('PUT', budget, token, { name: 'Booking', entityRef: 'component:default/booking-service', currency: 'EUR', amount: '1500' });
  assert.equal(made.status, 200, JSON.stringify(made.body));
  const { budgets } = await cost('budgets?entity=component:default/booking-service');
  assert.equal(budgets.length, 1);
  assert.ok(exact(budgets[0].state.spent) > 0n, JSON.stringify(budgets[0]));
  assert.equal((await ask('DELETE', budget, token)).status, 204);
  assert.equal((await ask('GET', budget, token)).status, 404);
});

test('a Terraform plan is estimated in the form of Infracost', async () => {
  const plan = JSON.parse(fs.readFileSync(path.resolve(import.meta.dirname, '../../../plugins/cost/estimate/testdata/aws.plan.json'), 'utf8'));
  const { status, body } = await ask('POST', 'cost/v1/estimates?name=harbour', token, plan);
  assert.equal(status, 200, JSON.stringify(body));
  assert.equal(body.version, '0.2');
  const { resources, totalMonthlyCost } = body.projects[0].breakdown;
  assert.ok(Number(totalMonthlyCost) > 0);
  assert.ok(resources.every(resource => resource.name && resource.resourceType));
});

test('the calls of InfraWallet are answered', async () => {
  const window = `startTime=${Date.UTC(2026, 8, 1)}&endTime=${Date.UTC(2026, 10, 1) - 1}`;
  const { status, data, errors } = await get(`infrawallet/reports?granularity=monthly&groups=&filters=()&tags=()&${window}`, token);
  assert.equal(status, 200);
  assert.deepEqual(errors, []);
  for (const report of data) {
    for (const field of ['id', 'provider', 'providerType', 'account', 'service', 'category', 'project']) assert.equal(typeof report[field], 'string', field);
    assert.ok(Object.keys(report.reports).every(month => ['2026-09', '2026-10'].includes(month)), JSON.stringify(report.reports));
  }
  const wallet = data.reduce((total, { reports }) => total + Object.values(reports).reduce((a, b) => a + b, 0), 0);
  const own = Number((await cost('query?from=2026-09-01&to=2026-11-01&granularity=total')).series[0].total);
  assert.ok(Math.abs(wallet - own) < 0.01, `${wallet} and ${own}`);
  assert.equal((await get('infrawallet/default', token)).data.name, 'default');
});

test('the call of AWS Labs for Cost Insights is answered, slashes in its address and all', async () => {
  const { id, aggregation, groupedCosts } = await get(`cost-insights-aws/v1/entity/default/component/booking-service/${encodeURIComponent('R2/P30D/2026-10-31')}`, token);
  assert.equal(id, 'component:default/booking-service');
  assert.equal(aggregation.length, 60);
  assert.ok(aggregation.every(({ date, amount }) => /^2026-(09|10)-\d\d$/.test(date) && typeof amount === 'number'));
  assert.ok(groupedCosts);
});

test('the call of OpenCost\'s frontend is answered', async () => {
  const { code, data } = await get('opencost/allocation/compute?window=lastweek&aggregate=namespace&step=1d&accumulate=false', token);
  assert.equal(code, 200);
  assert.equal(data.length, 7);
  for (const name of ['booking', 'payments']) {
    const workload = data[0][name];
    for (const field of ['cpuCost', 'ramCost', 'pvCost', 'gpuCost', 'totalCost', 'totalEfficiency', 'minutes']) assert.equal(typeof workload[field], 'number', field);
  }
});
