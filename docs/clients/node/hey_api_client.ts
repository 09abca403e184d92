// Calls the API with the fetch client that Hey API's openapi-ts generates.

import { readFile } from "node:fs/promises";
import { getModel, predict, predictCsv, sendFeedback, type PatientRecord } from "./hey_api";
import { createClient } from "./hey_api/client";

const client = createClient({
  baseUrl: process.env.API_URL ?? "http://localhost:8000",
  auth: () => process.env.API_KEY,
});
const full: PatientRecord = JSON.parse(await readFile("record.json", "utf8"));
const short: PatientRecord = { race: "Caucasian", gender: "Female", age: "[60-70)" };

let requestId = "";
for (const [name, record] of [["three fields", short], ["all fields", full]] as const) {
  const { data } = await predict({ client, body: { records: [record] }, throwOnError: true });
  console.log(`${name}: ${data.predictions[0]}`);
  requestId = data.request_id;
}

const unheard = { race: "Unheard of" } as unknown as PatientRecord;
const { error: problem, response } = await predict({ client, body: { records: [unheard] } });
console.log(`unknown value: ${response?.status} ${problem?.errors?.[0].message}`);

const file = new Blob([await readFile("patients.csv", "utf8")], { type: "text/csv" });
const { data: scored } = await predictCsv({ client, body: file, throwOnError: true });
const [header, ...rows] = scored.trim().split("\r\n").map((line) => line.split(","));
const risks = rows.map((row) => row[header.indexOf("readmission_risk")]);
console.log(`file: ${risks.join(" ")}`);

const { data: model } = await getModel({ client, throwOnError: true });
console.log(`model: ${model.name} ${model.version}`);

const today = new Date().toISOString().slice(0, 10);
const outcome = { request_id: requestId, readmitted_within_30_days: false, known_on: today };
const { data: stored } = await sendFeedback({ client, body: { outcomes: [outcome] }, throwOnError: true });
console.log(`outcome: ${stored.outcomes[0].status}`);
