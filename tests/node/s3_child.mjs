// A child process that reads through the JS SDK: one client, made when it starts; a bucket a line, an answer a line.
import { createInterface } from "node:readline";
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";

const client = new S3Client({ forcePathStyle: true, maxAttempts: 1 });
for await (const line of createInterface({ input: process.stdin })) {
  try {
    const output = await client.send(new GetObjectCommand({ Bucket: line.trim(), Key: "transactions/2026-10.csv" }));
    console.log(`read ${(await output.Body.transformToByteArray()).length}`);
  } catch (error) {
    console.log(`${error.name}: ${error.message}`.replaceAll("\n", " "));
  }
}
