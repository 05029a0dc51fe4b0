// Prints the URL the AWS SDK for JavaScript would ask, for each configuration it reads as JSON; "refused" if none.
import { readFileSync } from "node:fs";
import { ListAccountsCommand, SSO } from "@aws-sdk/client-sso";
import { RegisterClientCommand, SSOOIDC } from "@aws-sdk/client-sso-oidc";

const { cases } = JSON.parse(readFileSync(0, "utf8"));
const urls = [];
for (const { service, ...config } of cases) {
  let url = "refused";
  const requestHandler = {
    async handle(request) {
      const port = request.port ? `:${request.port}` : "";
      url = `${request.protocol}//${request.hostname}${port}`;
      throw Object.assign(new Error("asked"), { name: "Asked" });
    },
  };
  const client = new (service === "sso" ? SSO : SSOOIDC)({ ...config, requestHandler, maxAttempts: 1 });
  const command = service === "sso" ? new ListAccountsCommand({}) : new RegisterClientCommand({});
  await client.send(command).catch(() => undefined);
  urls.push(url);
}
process.stdout.write(JSON.stringify(urls));
