// Makes the calls it reads as JSON with the AWS SDK for JavaScript, and prints what came of each as JSON.
import { readFileSync } from "node:fs";
import * as portal from "@aws-sdk/client-sso";
import * as oidc from "@aws-sdk/client-sso-oidc";

const { endpoint, calls } = JSON.parse(readFileSync(0, "utf8"));
const config = { endpoint, region: "us-east-1", maxAttempts: 1 };
const services = {
  sso: { client: new portal.SSO(config), module: portal },
  "sso-oidc": { client: new oidc.SSOOIDC(config), module: oidc },
};

async function make({ service, operation, input, paginate }) {
  const { client, module } = services[service];
  if (paginate) {
    const pages = [];
    for await (const page of module[`paginate${operation}`]({ client, pageSize: paginate }, input)) {
      pages.push(without$(page));
    }
    return { pages };
  }
  const output = await client.send(new module[`${operation}Command`](input));
  return { output: without$(output), status: output.$metadata.httpStatusCode, attempts: output.$metadata.attempts };
}

function without$(output) {
  const { $metadata, ...members } = output;
  return members;
}

function failure(error) {
  return {
    error: error.name,
    message: error.message,
    fault: error.$fault,
    status: error.$metadata?.httpStatusCode,
    attempts: error.$metadata?.attempts,
    oauth_error: error.error,
    oauth_description: error.error_description,
    modelled: error.constructor.name === error.name,
  };
}

const outcomes = [];
for (const call of calls) {
  outcomes.push(await make(call).catch(failure));
}
process.stdout.write(JSON.stringify(outcomes));
