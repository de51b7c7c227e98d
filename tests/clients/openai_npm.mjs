// What openai_npm_test.py asks for: node openai_npm.mjs URL KEY WHAT; prints one line of JSON.
import OpenAI from "openai";

const [baseURL, apiKey, what] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const messages = [{ role: "user", content: "Why is the sky blue?" }];
const asked = { model: "any", messages, temperature: 0, max_tokens: 24 };

const weather = {
  type: "function",
  function: {
    name: "get_weather",
    description: "The weather in a city",
    parameters: {
      type: "object",
      properties: { city: { type: "string" } },
      required: ["city"],
      additionalProperties: false,
    },
  },
};

// The error that a call ends with; that it does not is an error too.
async function errorOf(call) {
  try {
    await call;
  } catch (error) {
    return error;
  }
  throw new Error("the call succeeded");
}

const scripts = {
  chat: () => client.chat.completions.create(asked),

  async stream() {
    const stream = await client.chat.completions.create({
      ...asked,
      stream: true,
      stream_options: { include_usage: true },
    });
    const said = { pieces: [] };
    for await (const chunk of stream) {
      const choice = chunk.choices[0];
      if (choice?.delta.content) said.pieces.push(choice.delta.content);
      said.finish_reason = choice?.finish_reason ?? said.finish_reason;
      said.usage = chunk.usage ?? said.usage;
    }
    return said;
  },

  async abort() {
    const stream = await client.chat.completions.create({ ...asked, max_tokens: 1500, stream: true });
    let pieces = 0;
    for await (const chunk of stream) {
      if (chunk.choices[0]?.delta.content && ++pieces === 3) break; // leaving the loop aborts the request
    }
    const after = await client.chat.completions.create({ ...asked, max_tokens: 2 });
    return { pieces, after: after.choices.length === 1 };
  },

  async tools() {
    const question = { role: "user", content: "What is the weather in Paris?" };
    const called = await client.chat.completions.create({
      ...asked,
      max_tokens: 100,
      messages: [question],
      tools: [weather],
      tool_choice: { type: "function", function: { name: "get_weather" } },
      parallel_tool_calls: false,
    });
    const message = called.choices[0].message;
    if (!message.tool_calls?.length) return { calls: [] };
    const result = { role: "tool", tool_call_id: message.tool_calls[0].id, content: '{"celsius": 21}' };
    const answered = await client.chat.completions.create({
      ...asked,
      messages: [question, message, result],
      tools: [weather],
      tool_choice: "none",
    });
    return { calls: message.tool_calls, answer: answered.choices[0].message.content };
  },

  async schema() {
    const schema = {
      type: "object",
      properties: { name: { type: "string" }, age: { type: "integer" } },
      required: ["name", "age"],
      additionalProperties: false,
    };
    const reply = await client.chat.completions.create({
      ...asked,
      max_tokens: 200,
      messages: [{ role: "user", content: "Describe Ada, who is 36 years old, as short JSON." }],
      response_format: { type: "json_schema", json_schema: { name: "person", strict: true, schema } },
    });
    return { content: reply.choices[0].message.content };
  },

  async embeddings() {
    const input = ["A cat sleeps.", "Interest rates rose."];
    const decoded = await client.embeddings.create({ model: "any", input });
    const plain = await client.embeddings.create({ model: "any", input, encoding_format: "float" });
    const [one, other] = [decoded.data[0].embedding, plain.data[0].embedding];
    return {
      sizes: [one.length, other.length],
      cosine: one.reduce((sum, value, at) => sum + value * other[at], 0),
    };
  },

  async responses() {
    const input = { model: "any", input: "Why is the sky blue?", temperature: 0, max_output_tokens: 16 };
    const whole = await client.responses.create(input);
    let streamed = "";
    for await (const event of await client.responses.create({ ...input, stream: true })) {
      if (event.type === "response.output_text.delta") streamed += event.delta;
    }
    return { text: whole.output_text, streamed };
  },

  async errors() {
    const wrong = await errorOf(client.chat.completions.create({ ...asked, temperature: "hot" }));
    const long = [{ role: "user", content: "word ".repeat(5000) }];
    return {
      wrong: { name: wrong.constructor.name, status: wrong.status, param: wrong.param ?? null },
      long: { name: (await errorOf(client.chat.completions.create({ ...asked, messages: long }))).constructor.name },
      missing: { name: (await errorOf(client.get("/nothing"))).constructor.name },
    };
  },

  async refused() {
    const error = await errorOf(client.chat.completions.create(asked));
    return { name: error.constructor.name, status: error.status };
  },
};

console.log(JSON.stringify(await scripts[what]()));
