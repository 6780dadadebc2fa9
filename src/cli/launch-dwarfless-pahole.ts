#!/usr/bin/env node
import { launch } from "./launch.ts";

launch(`${__dirname}/chunks`, "dwarfless-pahole");
