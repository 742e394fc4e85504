// The walk of walk.py with openai-node: `node walk.mjs FOLDER URL KEY PICTURE CLIP MORE` prints the same JSON object.

import { createReadStream, readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [folder, url, key, picture, clip, moreText] = process.argv.slice(2);
const require = createRequire(`${folder}/`);
const openai = require("openai");
const client = new openai.OpenAI({ baseURL: `${url}/v1`, apiKey: key });
const videos = client.videos;
const more = JSON.parse(moreText);
const CALLS = {
  create: "create", createAndPoll: "create_and_poll", poll: "poll", retrieve: "retrieve", list: "list",
  downloadContent: "download_content", edit: "edit", extend: "extend", remix: "remix",
  createCharacter: "create_character", getCharacter: "get_character", delete: "delete",
};

// What does not change from run to run.
function about(video) {
  const whole = Boolean(video.id && video.object === "video" && Number.isInteger(video.created_at) && video.prompt);
  return [video.status, video.progress, video.seconds, video.size, whole];
}

// What the client makes of a refusal.
async function refused(call) {
  try {
    await call();
  } catch (error) {
    if (!(error instanceof openai.APIError)) throw error;
    return [error.constructor.name, error.status, error.code, error.param, Boolean(error.requestID)];
  }
  return ["nothing was refused"];
}

function head(data) {
  if (data.toString("latin1", 4, 8) === "ftyp") return "mp4";
  if (data.toString("latin1", 8, 12) === "WEBP") return "webp";
  return data[0] === 0xff && data[1] === 0xd8 ? "jpeg" : data.toString("latin1", 0, 12);
}

// This client has no helper that waits.
async function poll(name) {
  for (;;) {
    const video = await videos.retrieve(name);
    if (video.status !== "queued" && video.status !== "in_progress") return video;
    await new Promise((done) => setTimeout(done, 100));
  }
}

let made;

async function create() {
  const said = { prompt: "a cat walks in a garden", seed: 7, ...more };
  const began = await videos.create({ model: "sora-2", seconds: "4", size: "1280x720", ...said });
  const early = await refused(() => videos.downloadContent(began.id));
  made = await poll(began.id);
  const shown = await videos.create({ input_reference: createReadStream(picture), ...said });
  const data = `data:image/png;base64,${readFileSync(picture).toString("base64")}`;
  const told = await videos.create({ input_reference: { image_url: data }, ...said });
  await poll(told.id);
  return {
    began: about(began), "too early": early, made: about(made), "from a picture": about(await poll(shown.id)),
  };
}

async function pages() {
  const page = await videos.list({ limit: 1, order: "asc" });
  let all = 0;
  for await (const _ of page) all += 1;
  return { first: page.data[0].id === made.id, more: page.has_more, all };
}

async function content() {
  const seen = {};
  let whole;
  for (const variant of ["video", "thumbnail", "spritesheet"]) {
    const answer = await videos.downloadContent(made.id, { variant });
    const data = Buffer.from(await answer.arrayBuffer());
    whole ??= data;
    seen[variant] = head(data);
  }
  const pieces = [];
  for await (const piece of (await videos.downloadContent(made.id)).body) pieces.push(piece);
  return { ...seen, streamed: Buffer.concat(pieces).equals(whole) };
}

async function others() {
  const words = { prompt: "make it night", ...more };
  const video = { id: made.id };
  const found = {
    edit: await videos.edit({ video: createReadStream(clip), ...words }),
    extend: await videos.extend({ video: createReadStream(clip), seconds: "4", ...words, prompt: "a cat" }),
    "edit by id": await videos.edit({ video, ...words }),
    "extend by id": await videos.extend({ video, seconds: "4", ...words }),
    remix: await videos.remix(made.id, words),
  };
  const seen = {};
  for (const [name, one] of Object.entries(found)) seen[name] = about(await poll(one.id));
  return seen;
}

async function character() {
  const shown = await videos.createCharacter({ name: "Mia", video: createReadStream(clip) });
  const found = await videos.getCharacter(shown.id);
  const video = await videos.create({ prompt: "a cat", characters: [{ id: shown.id }], ...more });
  return { name: found.name, video: about(video) };
}

async function errors() {
  const once = { headers: { "Idempotency-Key": "walk node" } };
  const first = await videos.create({ prompt: "a cat", ...more }, once);
  const again = await videos.create({ prompt: "a cat", ...more }, once);
  const other = await refused(() => videos.create({ prompt: "a dog" }, once));
  const cancelled = await client.post(`/videos/${first.id}/cancel`);
  const page = await openai.toFile(Buffer.from("<html>"), "a.png");
  return {
    "same key": first.id === again.id,
    "another request": other,
    cancelled: [cancelled.status, (await poll(first.id)).error.code],
    "no prompt": await refused(() => videos.create({ prompt: "" })),
    size: await refused(() => videos.create({ prompt: "a cat", size: "7x7" })),
    nobody: await refused(() => videos.retrieve("video_nobody")),
    "no such variant": await refused(() => videos.downloadContent(made.id, { variant: "gif" })),
    "no clip": await refused(() => videos.downloadContent(first.id)),
    "a page": await refused(() => videos.create({ prompt: "a cat", input_reference: page })),
  };
}

async function remove() {
  const gone = await videos.delete(made.id);
  const same = gone.id === made.id && gone.object === "video.deleted" && gone.deleted;
  return { deleted: same, afterwards: await refused(() => videos.retrieve(made.id)) };
}

const seen = { version: require("openai/version").VERSION };
seen.has = Object.keys(CALLS).filter((name) => name in videos).map((name) => CALLS[name]);
seen.models = (await client.models.list()).data.map((model) => model.id);
for (const [name, step] of Object.entries({ create, pages, content, others, character, errors, delete: remove })) {
  seen[name] = await step();
}
const stranger = new openai.OpenAI({ baseURL: `${url}/v1`, apiKey: "wrong" });
seen["wrong key"] = await refused(() => stranger.videos.list());
console.log(JSON.stringify(seen));
