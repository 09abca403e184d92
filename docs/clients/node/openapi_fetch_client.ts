// Calls the API with openapi-fetch and the types that openapi-typescript generates.

import { readFile } from "node:fs/promises";
import createClient from "openapi-fetch";
import type { components, paths } from "./openapi_fetch/schema";

type PatientRecord = components["schemas"]["PatientRecord"];

const key = process.env.API_KEY;
const api = createClient<paths>({
  baseUrl: process.env.API_URL ?? "http://localhost:8000",
  headers: key ? { "X-API-Key": key } : {},
});
const full: PatientRecord = JSON.parse(await readFile("record.json", "utf8"));
const short: PatientRecord = { race: "Caucasian", gender: "Female", age: "[60-70)" };

let requestId = "";
for (const [name, record] of [["three fields", short], ["all fields", full]] as const) {
  const { data, error } = await api.POST("/predict", { body: { records: [record] } });
  if (!data) throw new Error(error.detail);
  console.log(`${name}: ${data.predictions[0]}`);
  requestId = data.request_id;
}

const unheard = { race: "Unheard of" } as unknown as PatientRecord;
const { error: problem } = await api.POST("/predict", { body: { records: [unheard] } });
console.log(`unknown value: ${problem?.status} ${problem?.errors?.[0].message}`);

const { data: model } = await api.GET("/model");
console.log(`model: ${model?.name} ${model?.version}`);

const today = new Date().toISOString().slice(0, 10);
const outcome = { request_id: requestId, readmitted_within_30_days: false, known_on: today };
const { data: stored } = await api.POST("/feedback", { body: { outcomes: [outcome] } });
console.log(`outcome: ${stored?.outcomes[0].status}`);
