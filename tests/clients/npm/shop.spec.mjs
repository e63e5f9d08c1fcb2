// What playwright-xray reports: two tests without a browser, named by the keys of their Tests.
import { expect, test } from "@playwright/test";

test("SHOP-3 | adds", () => expect(1 + 1).toBe(2));
test("SHOP-6 | removes", () => expect(1 - 1).toBe(1));
