// Shows openapi.json as a page: operations by tag, with parameters, body, answers and the shapes they refer to.
// Text reaches the page as text nodes only, never as markup.
"use strict";

const METHODS = ["get", "post", "put", "patch", "delete"];

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null));
  return made;
}

const resolve = (api, schema) =>
  schema && schema.$ref ? schema.$ref.slice(2).split("/").reduce((at, part) => at[part], api) : schema || {};

const nameOf = (schema) => (schema.$ref ? schema.$ref.split("/").pop() : null);

function typeOf(schema) {
  if (typeof schema === "boolean") return "any";
  if (schema.$ref) return nameOf(schema);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if ("const" in schema) return JSON.stringify(schema.const);
  const branches = schema.anyOf || schema.oneOf || schema.allOf;
  if (branches) return branches.map(typeOf).join(" | ");
  if (schema.type === "array") return `[${typeOf(schema.items || {})}]`;
  if (schema.type === "object" && schema.additionalProperties) return `{… : ${typeOf(schema.additionalProperties)}}`;
  return [schema.type || "any", schema.format].filter(Boolean).join(" ");
}

function limits(schema) {
  const words = { minimum: "≥", maximum: "≤", exclusiveMinimum: ">", exclusiveMaximum: "<", minLength: "length ≥", maxLength: "length ≤", minItems: "entries ≥", maxItems: "entries ≤" };
  const found = Object.keys(words).filter((key) => key in schema).map((key) => `${words[key]} ${schema[key]}`);
  if ("default" in schema) found.push(`default ${JSON.stringify(schema.default)}`);
  return found.join(", ");
}

function shape(api, schema, seen = new Set()) {
  const resolved = resolve(api, schema);
  const inner = resolved.type === "array" ? resolved.items : null;
  if (inner && !resolved.properties) return shape(api, inner, seen);
  const branches = (resolved.anyOf || resolved.oneOf || []).filter((branch) => branch.type !== "null");
  if (branches.length) return element("div", {}, ...branches.map((branch) => shape(api, branch, seen)));
  const name = nameOf(schema) || resolved.title || "";
  if (!resolved.properties || seen.has(name)) return element("code", {}, typeOf(schema));
  const within = new Set(seen).add(name);
  const required = new Set(resolved.required || []);
  const rows = Object.entries(resolved.properties).map(([field, value]) => {
    const nested = nestedOf(api, value);
    return element(
      "tr", {},
      element("td", {}, element("code", {}, field), required.has(field) ? " *" : ""),
      element("td", {}, element("code", {}, typeOf(value)), " ", element("span", { class: "quiet" }, limits(value)),
        nested && !within.has(nameOf(nested)) ? element("details", {}, element("summary", {}, nameOf(nested)), shape(api, nested, within)) : null),
      element("td", {}, value.description || ""),
    );
  });
  return element("table", {}, element("tbody", {}, ...rows));
}

function nestedOf(api, schema) {
  const candidates = [schema, schema.items || {}, ...(schema.anyOf || []), ...(schema.oneOf || [])];
  return candidates.find((candidate) => candidate.$ref && resolve(api, candidate).properties) || null;
}

function content(api, holder) {
  return Object.entries(holder.content || {}).map(([type, media]) =>
    element("div", {}, element("p", { class: "quiet" }, type, nameOf(media.schema || {}) ? ` · ${nameOf(media.schema)}` : ""),
      type.includes("problem") ? null : shape(api, media.schema || {})));
}

function parameters(operation) {
  if (!operation.parameters || !operation.parameters.length) return null;
  const rows = operation.parameters.map((parameter) =>
    element("tr", {},
      element("td", {}, element("code", {}, parameter.name), parameter.required ? " *" : ""),
      element("td", {}, parameter.in),
      element("td", {}, element("code", {}, typeOf(parameter.schema || {})), " ", element("span", { class: "quiet" }, limits(parameter.schema || {}))),
      element("td", {}, parameter.description || "")));
  return element("div", {}, element("h3", {}, "Parameters"), element("table", {}, element("tbody", {}, ...rows)));
}

function problems(response) {
  const codes = response["x-problem-codes"] || [];
  return codes.length ? element("span", {}, ...codes.flatMap((code) => [element("a", { href: `/problems/${code}` }, code), " "])) : null;
}

function answers(api, operation) {
  const parts = Object.entries(operation.responses || {}).sort().map(([status, response]) =>
    element("div", {}, element("p", {}, element("strong", {}, status), " ", problems(response) || response.description || ""), ...content(api, response)));
  return element("div", {}, element("h3", {}, "Answers"), ...parts);
}

function who(operation) {
  if (!operation.security || !operation.security.length) return operation["x-guest"] ? "guests" : "";
  return operation.security.some((one) => !Object.keys(one).length) ? "credential optional" : "credential";
}

function body(api, operation) {
  if (!operation.requestBody) return null;
  return element("div", {}, element("h3", {}, "Body", operation.requestBody.required ? " *" : ""), ...content(api, operation.requestBody));
}

function shown(api, path, method, operation) {
  const id = operation.operationId;
  const made = element("details", { class: "operation", id },
    element("summary", {}, element("span", { class: "method" }, method.toUpperCase()), element("code", {}, path), " ",
      element("span", { class: "who" }, who(operation))));
  made.addEventListener("toggle", () => {
    if (made.childElementCount > 1) return;
    made.append(element("div", { class: "inside" }, element("p", {}, operation.description || operation.summary || ""),
      parameters(operation), body(api, operation), answers(api, operation)));
  });
  return made;
}

async function show() {
  const main = document.getElementById("operations");
  const answer = await fetch("/api/v1/openapi.json");
  if (!answer.ok) {
    main.replaceChildren(element("p", {}, `openapi.json could not be read (${answer.status}). Reload the page to try again.`));
    return;
  }
  const api = await answer.json();
  const sections = new Map((api.tags || []).map((tag) => [tag.name, []]));
  for (const [path, item] of Object.entries(api.paths)) {
    for (const method of METHODS.filter((name) => item[name])) {
      const tag = (item[method].tags || ["other"])[0];
      if (!sections.has(tag)) sections.set(tag, []);
      sections.get(tag).push(shown(api, path, method, item[method]));
    }
  }
  main.replaceChildren(...[...sections].filter(([, operations]) => operations.length)
    .map(([tag, operations]) => element("section", {}, element("h2", {}, tag), ...operations)));
  const chosen = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (chosen) { chosen.open = true; chosen.scrollIntoView(); }
}

show();
