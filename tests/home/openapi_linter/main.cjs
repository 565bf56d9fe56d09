// Reads an OpenAPI document from stdin and prints what the recommended rules report, as JSON.
const { readFileSync } = require("node:fs");
const { createConfig, lintFromString } = require("@redocly/openapi-core");

const RULES = {
  // Recommended, but wrong for us: the paths of our clients end with a slash.
  "no-path-trailing-slash": "off",
  // Not recommended, but of use.
  "component-name-unique": "error",
  "no-invalid-parameter-examples": "error",
  "no-invalid-schema-examples": "error",
  "no-required-schema-properties-undefined": "error",
  "operation-singular-tag": "error",
  "operation-tag-defined": "error",
};

const main = async () => {
  const config = await createConfig({ extends: ["recommended-strict"], rules: RULES });
  const source = readFileSync(0, "utf8");
  const problems = await lintFromString({ source, absoluteRef: "openapi.json", config });
  const lines = problems.map(
    ({ ruleId, message, location }) => `${ruleId}: ${message} ${location[0].pointer}`,
  );
  process.stdout.write(JSON.stringify(lines));
};

main();
