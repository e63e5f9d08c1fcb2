// playwright-xray for the product that XRAY names, at URL.
const { URL: url, XRAY: side } = process.env;
const sides = {
  cloud: {
    cloud: { client_id: "EMULATORCLIENTID0000000000000001", client_secret: "emulator-secret", xrayUrl: `${url}/` },
    jira: { apiVersion: "1.0", type: "cloud", url: `${url}/` },
  },
  server: { jira: { apiVersion: "2.0", type: "server", url: `${url}/jira/` }, server: { token: "emulator-pat" } },
};
export default {
  projects: [{ name: "none" }],
  reporter: [
    [
      "playwright-xray",
      { ...sides[side], projectKey: "SHOP", summary: `playwright-xray ${side}`, testPlan: "SHOP-2" },
    ],
  ],
};
