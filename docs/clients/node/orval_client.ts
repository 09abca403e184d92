// Calls the API with the fetch client that Orval generates. It takes addresses relative to the page; Node has no page.

import { readFile } from "node:fs/promises";
import { getModel, predict, type PatientRecord } from "./orval/api";

const url = process.env.API_URL ?? "http://localhost:8000";
const key = process.env.API_KEY;
const send = globalThis.fetch;
globalThis.fetch = (path, init) => {
  const headers = new Headers(init?.headers);
  if (key) headers.set("X-API-Key", key);
  return send(new URL(String(path), url), { ...init, headers });
};
const full: PatientRecord = JSON.parse(await readFile("record.json", "utf8"));
const short: PatientRecord = { race: "Caucasian", gender: "Female", age: "[60-70)" };

for (const [name, record] of [["three fields", short], ["all fields", full]] as const) {
  const answer = await predict({ records: [record] });
  if (answer.status !== 200) throw new Error(`status ${answer.status}`);
  console.log(`${name}: ${answer.data.predictions[0]}`);
}

const refused = await predict({ records: [{ race: "Unheard of" } as unknown as PatientRecord] });
if (refused.status === 422) console.log(`unknown value: ${refused.status} ${refused.data.errors?.[0].message}`);

const model = await getModel();
if (model.status === 200) console.log(`model: ${model.data.name} ${model.data.version}`);
